//! Dense layers beside their definition in double precision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;

use finial_kernels::{Activation, Dense, Element, Instructions, KernelError};
use half::bf16;
use proptest::prelude::*;

use cases::{end, numbers};

fn check<T: Element, O: Element>(
    [rows, inputs, units]: [usize; 3],
    seed: u64,
) -> Result<(), TestCaseError> {
    let input = numbers::<T>(rows * inputs, seed ^ 1);
    // Weights that bf16 can hold: instructions may keep them in it.
    let weights = numbers::<bf16>(inputs * units, seed ^ 2);
    let weights: Vec<f32> = weights.iter().map(|weight| weight.to_f32()).collect();
    let bias = numbers::<f32>(units, seed ^ 3);
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
        shape in [1..end(40, 8), 1..end(260, 40), 1..end(70, 40)],
        seed in any::<u64>(),
    ) {
        check::<f32, f32>(shape, seed)?;
        check::<bf16, bf16>(shape, seed)?;
        check::<bf16, f32>(shape, seed)?;
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
