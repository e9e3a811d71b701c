//! Dense layers beside their definition in double precision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_kernels::{Activation, Dense, Element, Instructions, KernelError};
use half::bf16;
use proptest::prelude::*;

fn check<T: Element, O: Element>(
    [rows, inputs, units]: [usize; 3],
    numbers: &[i8],
) -> Result<(), TestCaseError> {
    // Numbers that bf16 can hold.
    let number = |at: usize| f32::from(numbers[at % numbers.len()]) / 64.0;
    let input = (0..rows * inputs)
        .map(|at| T::from_f32(number(at)))
        .collect::<Vec<_>>();
    let weights = (0..inputs * units)
        .map(|at| number(3 * at + 1))
        .collect::<Vec<_>>();
    let bias = (0..units).map(|at| number(5 * at + 2)).collect::<Vec<_>>();
    for instructions in Instructions::available() {
        let activation = Activation::LeakyRelu { slope: 0.25 };
        let dense = Dense::<T>::new(
            [inputs, units],
            &weights,
            Some(&bias),
            activation,
            instructions,
        );
        let mut output = vec![O::from_f32(f32::NAN); rows * units];
        dense.unwrap().run(&input, &mut output, rows).unwrap();
        for (at, found) in output.iter().enumerate() {
            let (row, unit) = (at / units, at % units);
            let terms = (0..inputs).map(|from| {
                f64::from(input[row * inputs + from].to_f32() * weights[unit * inputs + from])
            });
            let sum = f64::from(bias[unit]) + terms.clone().sum::<f64>();
            let size = 1.0 + terms.map(f64::abs).sum::<f64>();
            let expected = f64::from(activation.apply(sum as f32));
            let rounding = if O::NAME == "bf16" {
                0.004 * expected.abs()
            } else {
                0.0
            };
            let error = (f64::from(found.to_f32()) - expected).abs();
            prop_assert!(
                error <= 2e-6 * size + rounding,
                "{instructions}: {found:?}, {expected}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 })
    })]

    #[test]
    fn rows_are_what_the_definition_says(
        shape in [1usize..40, 1..260, 1..70],
        numbers in prop::collection::vec(any::<i8>(), 50..100),
    ) {
        check::<f32, f32>(shape, &numbers)?;
        check::<bf16, bf16>(shape, &numbers)?;
        check::<bf16, f32>(shape, &numbers)?;
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let make = |shape: [usize; 2], weights: usize| {
        let weights = vec![0.0; weights];
        Dense::<f32>::new(
            shape,
            &weights,
            None,
            Activation::None,
            Instructions::Portable,
        )
    };
    assert!(matches!(
        make([3, 0], 0),
        Err(KernelError::WrongShape { .. })
    ));
    assert!(matches!(
        make([3, 2], 5),
        Err(KernelError::WrongLength { .. })
    ));
    assert!(matches!(
        make([usize::MAX, 2], 5),
        Err(KernelError::TooLarge { .. })
    ));
    let dense = make([3, 2], 6).unwrap();
    assert!(dense.run(&[0.0; 3], &mut [0.0f32; 3], 1).is_err());
    assert!(dense.run(&[0.0; 4], &mut [0.0f32; 2], 1).is_err());
    assert_eq!(dense.run(&[], &mut [0.0f32; 0], 0), Ok(()));
}
