//! What is done to a sum before it is written: bias, residual, activation.

/// A function of each number by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// x, at least `low`, at most `high`; ReLU6 is the one from 0 to 6.
    Clamp {
        /// The least value.
        low: f32,
        /// The largest value.
        high: f32,
    },
    /// x, or `slope` × x below 0.
    LeakyRelu {
        /// The factor below 0.
        slope: f32,
    },
    /// x, or `alpha` × (exp(x) − 1) below 0.
    Elu {
        /// The limit far below 0, negated.
        alpha: f32,
    },
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// `slope` × x + `offset`, at least 0, at most 1.
    HardSigmoid {
        /// The factor.
        slope: f32,
        /// The value at 0.
        offset: f32,
    },
    /// x × sigmoid(x)
    Silu,
    /// x × min(max(x + 3, 0), 6) / 6
    HardSwish,
    /// x × Φ(x), Φ the normal distribution's cumulative function.
    Gelu,
    /// x × (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
    GeluTanh,
    /// tanh(x)
    Tanh,
    /// ln(1 + exp(x))
    Softplus,
}

/// What is done to a sum before it is written:
/// `activation(sum + bias)`, or `activation(sum + bias + residual)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// The activation.
    pub activation: Activation,
    /// Whether a second input, of the output's shape, is added before the activation.
    pub residual: bool,
}

impl Activation {
    /// ReLU6.
    pub const RELU6: Self = Self::Clamp {
        low: 0.0,
        high: 6.0,
    };

    /// The least and the largest value, of an activation that only keeps to them.
    #[inline(always)]
    pub(crate) fn limits(self) -> Option<[f32; 2]> {
        match self {
            Self::None => Some([f32::NEG_INFINITY, f32::INFINITY]),
            Self::Relu => Some([0.0, f32::INFINITY]),
            Self::Clamp { low, high } => Some([low, high]),
            _ => None,
        }
    }

    /// The function's value at `x`. A NaN stays one.
    #[inline(always)]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::None => x,
            Self::Relu => relu(x),
            Self::Clamp { low, high } => clamp(x, low, high),
            Self::LeakyRelu { slope } => select(x < 0.0, slope * x, x),
            Self::Elu { alpha } => select(x < 0.0, alpha * (exp(x) - 1.0), x),
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid { slope, offset } => clamp(slope * x + offset, 0.0, 1.0),
            Self::Silu => x * sigmoid(x),
            Self::HardSwish => x * (clamp(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)),
            Self::Gelu => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + tanh(inner))
            }
            Self::Tanh => tanh(x),
            Self::Softplus => relu(x) + exp(-x.abs()).ln_1p(),
        }
    }
}

// The functions below have no branches and call nothing, so that a loop over them becomes vector
// instructions.

#[inline(always)]
fn select(condition: bool, yes: f32, no: f32) -> f32 {
    if condition { yes } else { no }
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    select(x < 0.0, 0.0, x)
}

#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = select(x < low, low, x);
    select(x > high, high, x)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The exponential: 2 to a whole number, times a polynomial between ±ln 2 / 2, whose coefficients
/// are those of Cephes. Within 2 units in the last place; far out it stays at the last finite
/// and the first normal number.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let x = clamp(x, -87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let mut sum = 1.987_569_2e-4;
    for coefficient in [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        sum = sum * rest + coefficient;
    }
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (sum * rest * rest + rest + 1.0) * scale
}

/// The hyperbolic tangent: an odd polynomial (Cephes) near 0, by the exponential elsewhere.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let square = x * x;
    let mut sum = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_5e-2, 1.333_144_2e-1, -3.333_328e-1] {
        sum = sum * square + coefficient;
    }
    let near = sum * square * x + x;
    let far = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    select(x.abs() < 0.625, near, far.copysign(x))
}

/// The error function, within 3 × 10⁻⁷ (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        sum = sum * t + coefficient;
    }
    (1.0 - sum * t * exp(-x * x)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ours: Activation, definition: impl Fn(f64) -> f64) {
        for at in (-4000..=4000).step_by(if cfg!(miri) { 250 } else { 1 }) {
            let x = at as f32 / 100.0;
            let (found, expected) = (f64::from(ours.apply(x)), definition(f64::from(x)));
            let error = (found - expected).abs();
            assert!(
                error <= 4e-7 * (1.0 + expected.abs() + f64::from(x).abs()),
                "{ours:?} at {x}: {found}"
            );
        }
        assert!(ours.apply(f32::NAN).is_nan(), "{ours:?}");
    }

    #[test]
    fn activations_are_what_their_definitions_say() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        check(Activation::Relu, |x| x.max(0.0));
        check(Activation::RELU6, |x| x.clamp(0.0, 6.0));
        check(Activation::LeakyRelu { slope: 0.25 }, |x| {
            if x < 0.0 { 0.25 * x } else { x }
        });
        check(Activation::Elu { alpha: 0.5 }, |x| {
            if x < 0.0 { 0.5 * x.exp_m1() } else { x }
        });
        check(Activation::Sigmoid, sigmoid);
        check(
            Activation::HardSigmoid {
                slope: 0.25,
                offset: 0.5,
            },
            |x| (0.25 * x + 0.5).clamp(0.0, 1.0),
        );
        check(Activation::Silu, |x| x * sigmoid(x));
        check(Activation::HardSwish, |x| {
            x * (x + 3.0).clamp(0.0, 6.0) / 6.0
        });
        check(Activation::GeluTanh, |x| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        });
        check(Activation::Tanh, f64::tanh);
        check(Activation::Softplus, |x| {
            x.max(0.0) + (-x.abs()).exp().ln_1p()
        });
    }

    #[test]
    fn gelu_is_by_the_error_function() {
        // scipy: x * norm.cdf(x)
        let values = [
            (-3.0, -0.004_049_7),
            (-1.0, -0.158_655_26),
            (0.5, 0.345_731_23),
            (2.0, 1.954_499_7),
        ];
        for (x, expected) in values {
            assert!((Activation::Gelu.apply(x) - expected).abs() < 1e-6, "{x}");
        }
    }
}
