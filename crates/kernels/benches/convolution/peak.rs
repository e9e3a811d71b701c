//! What the machine's arithmetic can do: a loop that stays in registers.

use std::time::Instant;

use finial_kernels::Instructions;

/// Operations a second of `threads` threads at once, the best of some short runs; nothing where
/// there is no loop for the instructions.
pub fn measured(is_bf16: bool, threads: usize) -> Option<f64> {
    let best = *Instructions::available().last()?;
    let best = Instructions::detect().unwrap_or(best);
    let run = move || {
        let start = Instant::now();
        let operations = loop_for(best, is_bf16)?;
        Some(operations / start.elapsed().as_secs_f64())
    };
    let rates = std::thread::scope(|scope| {
        let threads =
            (0..threads).map(|_| scope.spawn(move || (0..30).map(|_| run()).max_by(order)));
        let threads = threads.collect::<Vec<_>>();
        threads
            .into_iter()
            .map(|thread| thread.join().ok().flatten().flatten())
            .collect::<Vec<_>>()
    });
    rates.into_iter().sum()
}

fn order(a: &Option<f64>, b: &Option<f64>) -> std::cmp::Ordering {
    a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0))
}

#[cfg(target_arch = "x86_64")]
fn loop_for(instructions: Instructions, is_bf16: bool) -> Option<f64> {
    // SAFETY: the machine has the instructions.
    unsafe {
        match instructions {
            Instructions::Amx if is_bf16 => Some(x86::tiles()),
            Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx => {
                Some(x86::avx512())
            }
            Instructions::Avx2 => Some(x86::avx2()),
            _ => None,
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn loop_for(_instructions: Instructions, _is_bf16: bool) -> Option<f64> {
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    const TIMES: usize = 20_000;

    #[target_feature(enable = "avx512f")]
    pub fn avx512() -> f64 {
        let factor = black_box(_mm512_set1_ps(0.999));
        let mut sums = [factor; 24];
        for _ in 0..TIMES {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        (TIMES * 24 * 16 * 2) as f64
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2() -> f64 {
        let factor = black_box(_mm256_set1_ps(0.999));
        let mut sums = [factor; 12];
        for _ in 0..TIMES {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        (TIMES * 12 * 8 * 2) as f64
    }

    /// # Safety
    ///
    /// The machine has tiles, and the process may use them.
    pub unsafe fn tiles() -> f64 {
        #[repr(C, align(64))]
        struct Configuration([u8; 64]);
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1;
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = 64;
            configuration.0[48 + tile] = 16;
        }
        // SAFETY: the caller has the instructions; no memory but the configuration is read.
        unsafe {
            asm!(
                "ldtilecfg [{configuration}]",
                "2:",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "dec {times}",
                "jnz 2b",
                "tilerelease",
                configuration = in(reg) &configuration,
                times = inout(reg) TIMES => _,
                options(nostack),
            );
        }
        (TIMES * 4 * 16 * 16 * 32 * 2) as f64
    }
}
