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

    /// The function's value at `x`. A NaN stays one.
    #[inline(always)]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::None => x,
            Self::Relu => relu(x),
            Self::Clamp { low, high } => clamp(x, low, high),
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::Elu { alpha } => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid { slope, offset } => clamp(slope * x + offset, 0.0, 1.0),
            Self::Silu => x * sigmoid(x),
            Self::HardSwish => x * (clamp(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)),
            Self::Gelu => 0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Tanh => x.tanh(),
            Self::Softplus => relu(x) + (-x.abs()).exp().ln_1p(),
        }
    }
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
