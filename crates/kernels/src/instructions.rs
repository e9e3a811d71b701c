//! Which instructions the processor has, and which of them are used.

use std::fmt;
use std::str::FromStr;

use crate::KernelError;

/// A set of vector instructions; each on x86-64 includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instructions {
    /// What every processor has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with products of bf16.
    Avx512Bf16,
    /// Tiles of bf16.
    Amx,
    /// NEON, on aarch64.
    Neon,
}

impl Instructions {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Portable, "portable"),
        (Self::Avx2, "avx2"),
        (Self::Avx512, "avx512"),
        (Self::Avx512Bf16, "avx512-bf16"),
        (Self::Amx, "amx"),
        (Self::Neon, "neon"),
    ];

    /// The best of this machine, or what the environment's `FINIAL_INSTRUCTIONS` names.
    ///
    /// # Errors
    ///
    /// If the environment names none of them, or some that this machine lacks.
    pub fn detect() -> Result<Self, KernelError> {
        match std::env::var("FINIAL_INSTRUCTIONS") {
            Ok(name) if !name.is_empty() => name.parse::<Self>()?.checked(),
            _ => Ok(Self::best()),
        }
    }

    /// All that this machine has, the simplest first.
    pub fn available() -> Vec<Self> {
        Self::ALL
            .iter()
            .map(|(which, _)| *which)
            .filter(|which| which.is_available())
            .collect()
    }

    /// Whether this machine has them.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => {
                Self::Avx512.is_available() && is_x86_feature_detected!("avx512bf16")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Amx => Self::Avx512Bf16.is_available() && amx::is_permitted(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 | Self::Avx512Bf16 | Self::Amx => false,
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon => false,
        }
    }

    /// These instructions, if the machine has them: what every kernel's constructor asks first,
    /// so that running it is sound.
    pub(crate) fn checked(self) -> Result<Self, KernelError> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(KernelError::Unavailable(self))
        }
    }

    fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL
            .iter()
            .find(|(which, _)| which == self)
            .map_or("", |(_, name)| name);
        to.write_str(name)
    }
}

impl FromStr for Instructions {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let found = Self::ALL
            .iter()
            .find(|(_, known)| name.eq_ignore_ascii_case(known));
        found
            .map(|(which, _)| *which)
            .ok_or_else(|| KernelError::UnknownInstructions(name.into()))
    }
}

#[cfg(target_arch = "x86_64")]
mod amx {
    //! Tiles need the processor's word and the operating system's permission.

    use std::sync::OnceLock;

    /// Whether this process may use tiles of bf16; asks the operating system the first time.
    pub fn is_permitted() -> bool {
        static PERMITTED: OnceLock<bool> = OnceLock::new();
        *PERMITTED.get_or_init(|| has_tiles() && request())
    }

    fn has_tiles() -> bool {
        const BF16: u32 = 1 << 22;
        const TILE: u32 = 1 << 24;
        if cfg!(miri) || std::arch::x86_64::__cpuid(0).eax < 7 {
            return false;
        }
        std::arch::x86_64::__cpuid_count(7, 0).edx & (BF16 | TILE) == BF16 | TILE
    }

    /// Linux gives the tiles' 8 KiB of state to a process that asks for them.
    #[cfg(target_os = "linux")]
    fn request() -> bool {
        const ARCH_PRCTL: isize = 158;
        const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
        const XFEATURE_XTILEDATA: usize = 18;
        let mut result = ARCH_PRCTL;
        // SAFETY: this system call reads and writes no memory of the program; the instruction
        // changes the registers named and no others.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") result,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result == 0
    }

    #[cfg(not(target_os = "linux"))]
    fn request() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (which, name) in Instructions::ALL {
            assert_eq!(which.to_string(), name);
            assert_eq!(name.parse(), Ok(which));
        }
        assert!("sse9".parse::<Instructions>().is_err());
    }

    #[test]
    fn the_portable_ones_are_everywhere() {
        assert_eq!(
            Instructions::available().first(),
            Some(&Instructions::Portable)
        );
    }
}
