//! Activations over vectors.

use crate::Activation;
use crate::lanes::Lanes;

impl Activation {
    /// The function's value of each number, within 10⁻⁶ of [`Self::apply`] or of its size.
    ///
    /// # Safety
    ///
    /// The processor has the instructions of `V`.
    #[inline(always)]
    pub(crate) unsafe fn of<V: Lanes>(self, x: V) -> V {
        // SAFETY: the caller's processor has the instructions.
        unsafe {
            let one = V::splat(1.0);
            match self {
                Self::None => x,
                Self::Relu => x.max(V::splat(0.0)),
                Self::Clamp { low, high } => x.max(V::splat(low)).min(V::splat(high)),
                Self::LeakyRelu { slope } => x.if_below_zero(x.mul(V::splat(slope)), x),
                Self::Elu { alpha } => {
                    let below = x.exp().sub(one).mul(V::splat(alpha));
                    x.if_below_zero(below, x)
                }
                Self::Sigmoid => sigmoid(x),
                Self::HardSigmoid { slope, offset } => V::splat(offset)
                    .add_product(x, V::splat(slope))
                    .max(V::splat(0.0))
                    .min(one),
                Self::Silu => x.mul(sigmoid(x)),
                Self::HardSwish => {
                    let gate = x.add(V::splat(3.0)).max(V::splat(0.0)).min(V::splat(6.0));
                    x.mul(gate.mul(V::splat(1.0 / 6.0)))
                }
                Self::Gelu => {
                    let half = x.mul(V::splat(0.5));
                    half.add_product(half, erf(x.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2))))
                }
                Self::GeluTanh => {
                    let cubic = x.mul(x).mul(x).mul(V::splat(0.044_715));
                    let inner = x.add(cubic).mul(V::splat(0.797_884_6));
                    let half = x.mul(V::splat(0.5));
                    half.add_product(half, tanh(inner))
                }
                Self::Tanh => tanh(x),
                Self::Softplus => {
                    let mut values = [0.0f32; 16];
                    x.store(values.as_mut_ptr());
                    let values = values.map(|value| self.apply(value));
                    V::load(values.as_ptr())
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn sigmoid<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's processor has the instructions, here and below.
    unsafe {
        let one = V::splat(1.0);
        one.div(one.add(V::splat(0.0).sub(x).exp()))
    }
}

/// 1 − 2 / (e²ˣ + 1)
#[inline(always)]
unsafe fn tanh<V: Lanes>(x: V) -> V {
    // SAFETY: see `sigmoid`.
    unsafe {
        let one = V::splat(1.0);
        one.sub(V::splat(2.0).div(x.add(x).exp().add(one)))
    }
}

/// The error function, within 2 · 10⁻⁷: Abramowitz and Stegun, 7.1.26.
#[inline(always)]
unsafe fn erf<V: Lanes>(x: V) -> V {
    // SAFETY: see `sigmoid`.
    unsafe {
        let zero = V::splat(0.0);
        let one = V::splat(1.0);
        let size = x.if_below_zero(zero.sub(x), x);
        let t = one.div(one.add_product(size, V::splat(0.327_591_1)));
        let mut sum = V::splat(1.061_405_4);
        for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
            sum = V::splat(coefficient).add_product(sum, t);
        }
        let above = one.sub(sum.mul(t).mul(zero.sub(size.mul(size)).exp()));
        x.if_below_zero(zero.sub(above), above)
    }
}
