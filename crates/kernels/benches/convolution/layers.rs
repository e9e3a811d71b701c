//! The distinct convolutions of four backbones.

use finial_kernels::ConvolutionShape;

/// Side, channels, filters, kernel, stride, padding.
pub type Layer = [usize; 6];

pub const RESNET50: &[Layer] = &[
    [224, 3, 64, 7, 2, 3],
    [56, 64, 64, 1, 1, 0],
    [56, 64, 64, 3, 1, 1],
    [56, 64, 256, 1, 1, 0],
    [56, 256, 64, 1, 1, 0],
    [56, 256, 128, 1, 1, 0],
    [56, 128, 128, 3, 2, 1],
    [28, 128, 128, 3, 1, 1],
    [28, 128, 512, 1, 1, 0],
    [28, 512, 128, 1, 1, 0],
    [56, 256, 512, 1, 2, 0],
    [28, 512, 256, 1, 1, 0],
    [28, 256, 256, 3, 2, 1],
    [14, 256, 256, 3, 1, 1],
    [14, 256, 1024, 1, 1, 0],
    [14, 1024, 256, 1, 1, 0],
    [28, 512, 1024, 1, 2, 0],
    [14, 1024, 512, 1, 1, 0],
    [14, 512, 512, 3, 2, 1],
    [7, 512, 512, 3, 1, 1],
    [7, 512, 2048, 1, 1, 0],
    [7, 2048, 512, 1, 1, 0],
    [14, 1024, 2048, 1, 2, 0],
];

pub const VGG16: &[Layer] = &[
    [224, 3, 64, 3, 1, 1],
    [224, 64, 64, 3, 1, 1],
    [112, 64, 128, 3, 1, 1],
    [112, 128, 128, 3, 1, 1],
    [56, 128, 256, 3, 1, 1],
    [56, 256, 256, 3, 1, 1],
    [28, 256, 512, 3, 1, 1],
    [28, 512, 512, 3, 1, 1],
    [14, 512, 512, 3, 1, 1],
];

/// Square filters only; the others of a block have as many operations.
pub const INCEPTION_V3: &[Layer] = &[
    [299, 3, 32, 3, 2, 0],
    [149, 32, 32, 3, 1, 0],
    [147, 32, 64, 3, 1, 1],
    [73, 64, 80, 1, 1, 0],
    [73, 80, 192, 3, 1, 0],
    [35, 192, 64, 1, 1, 0],
    [35, 48, 64, 5, 1, 2],
    [35, 64, 96, 3, 1, 1],
    [35, 288, 384, 3, 2, 0],
    [17, 768, 192, 1, 1, 0],
    [8, 1280, 320, 1, 1, 0],
    [8, 2048, 448, 1, 1, 0],
    [8, 448, 384, 3, 1, 1],
];

pub const MOBILENET_V2: &[Layer] = &[
    [224, 3, 32, 3, 2, 1],
    [112, 32, 16, 1, 1, 0],
    [112, 16, 96, 1, 1, 0],
    [56, 96, 24, 1, 1, 0],
    [56, 24, 144, 1, 1, 0],
    [28, 144, 32, 1, 1, 0],
    [28, 32, 192, 1, 1, 0],
    [14, 192, 64, 1, 1, 0],
    [14, 64, 384, 1, 1, 0],
    [14, 384, 96, 1, 1, 0],
    [14, 96, 576, 1, 1, 0],
    [7, 576, 160, 1, 1, 0],
    [7, 160, 960, 1, 1, 0],
    [7, 960, 320, 1, 1, 0],
    [7, 320, 1280, 1, 1, 0],
];

/// All of them by name.
pub const BACKBONES: [(&str, &[Layer]); 4] = [
    ("resnet50", RESNET50),
    ("vgg16", VGG16),
    ("inception_v3", INCEPTION_V3),
    ("mobilenet_v2", MOBILENET_V2),
];

/// As the kernels take it.
pub fn shape(&[side, channels, filters, kernel, stride, padding]: &Layer) -> ConvolutionShape {
    ConvolutionShape {
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 4],
        ..ConvolutionShape::pointwise([side, side, channels], filters)
    }
}

/// Numbers of its weights.
pub fn weights(&[_, channels, filters, kernel, ..]: &Layer) -> usize {
    filters * channels * kernel * kernel
}

/// In words.
pub fn name([side, channels, filters, kernel, stride, _]: &Layer) -> String {
    format!("{kernel}x{kernel} by {stride}, {channels} to {filters} at {side}")
}
