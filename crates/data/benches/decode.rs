//! Image files of the sizes that data sets have, decoded and brought to 224 × 224: one core.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use finial_data::{ImageFit, content_hash, decode};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{Rgb, RgbImage};

/// Soft shapes under a sensor's noise, which a JPEG of quality 88 needs about 0.2 bytes a pixel for.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut noise = 1_u32;
    RgbImage::from_fn(width, height, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (u, v) = (f64::from(x) / 83.0, f64::from(y) / 59.0);
        let level = 110.0 + 40.0 * (u.sin() + v.cos()) + f64::from(noise >> 29);
        Rgb([level, level * 0.8, 255.0 - level].map(|value| value as u8))
    })
}

fn decoding(criterion: &mut Criterion) {
    let fit = ImageFit::stretch(224, 224);
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20);
    for (width, height) in [(400, 300), (800, 600), (1600, 1200), (4000, 3000)] {
        let image = photo(width, height);
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, 88);
        image.write_with_encoder(encoder).unwrap();
        let size = format!("{width}x{height}");
        group.throughput(Throughput::Elements(1));
        group.bench_with_input(BenchmarkId::new("jpeg", &size), &jpeg, |bench, jpeg| {
            bench.iter(|| decode(jpeg, &fit).unwrap());
        });
        if width == 800 {
            group.bench_function("hash/800x600", |bench| bench.iter(|| content_hash(&jpeg)));
            let mut png = Vec::new();
            image.write_with_encoder(PngEncoder::new(&mut png)).unwrap();
            group.bench_with_input(BenchmarkId::new("png", &size), &png, |bench, png| {
                bench.iter(|| decode(png, &fit).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
