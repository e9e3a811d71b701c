//! Devices by name.

use burn::tensor::Device;

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum DeviceError {
    /// No such kind of device in this build.
    #[error("expected a device, found `{found}`; this build knows {}", KINDS.join(", "))]
    #[diagnostic(help(
        "other devices are cargo features: build with --features cuda, vulkan, metal or rocm"
    ))]
    Unknown {
        /// The name asked for.
        found: String,
    },
    /// The build knows it, the machine does not have it.
    #[error("this machine has no device `{0}`")]
    #[diagnostic(help("leave --device out to run on the processor"))]
    Absent(String),
}

/// The kinds of device that this build knows.
pub const KINDS: &[&str] = &[
    #[cfg(feature = "cpu")]
    "cpu",
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "vulkan")]
    "vulkan",
    #[cfg(feature = "metal")]
    "metal",
    #[cfg(feature = "rocm")]
    "rocm",
];

/// The device that is always there.
pub const DEFAULT: &str = "cpu";

/// The device of that name: one of [`KINDS`], with a number behind a colon where there are
/// several (`cuda:1`).
///
/// # Errors
/// This build does not know the kind, or the machine does not have the device.
pub fn named(name: &str) -> Result<Device, DeviceError> {
    let unknown = || DeviceError::Unknown {
        found: name.to_owned(),
    };
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, index.parse::<usize>().map_err(|_| unknown())?),
        None => (name, 0),
    };
    match kind {
        #[cfg(feature = "cpu")]
        "cpu" if index == 0 => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => present(name, burn::tensor::DeviceType::Cuda, index),
        #[cfg(feature = "vulkan")]
        "vulkan" => present(name, burn::tensor::DeviceType::Vulkan, index),
        #[cfg(feature = "metal")]
        "metal" => present(name, burn::tensor::DeviceType::Metal, index),
        #[cfg(feature = "rocm")]
        "rocm" => present(name, burn::tensor::DeviceType::Rocm, index),
        _ => Err(unknown()),
    }
}

/// Whether its memory is the processor's own, so that a tensor's numbers can be had as they lie.
pub(crate) fn is_host(device: &Device) -> bool {
    #[cfg(feature = "cpu")]
    return *device == Device::flex();
    #[cfg(not(feature = "cpu"))]
    {
        let _ = device;
        false
    }
}

/// The device of that index among those that the machine has.
///
/// Without its driver, a backend may panic while it looks; that means the same as none.
#[cfg(any(
    feature = "cuda",
    feature = "vulkan",
    feature = "metal",
    feature = "rocm"
))]
fn present(
    name: &str,
    kind: burn::tensor::DeviceType,
    index: usize,
) -> Result<Device, DeviceError> {
    let devices = std::panic::catch_unwind(|| Device::enumerate(kind).into_vec());
    let device = devices.unwrap_or_default().into_iter().nth(index);
    device.ok_or_else(|| DeviceError::Absent(name.to_owned()))
}
