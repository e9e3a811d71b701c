"""References of whole models as ONNX files out of PyTorch, plain, halved and quantised.

    python torch_models.py OUT

What a file computes is told by ONNX Runtime.
"""

import pathlib
import sys
import warnings

import numpy
import onnx
import onnxruntime
import timm
import torch
from onnxruntime import quantization
from torch import nn
from torchvision import models as nets

import record
import torch_networks as networks

SIZE = 64
VISION = {
    "torch-resnet18": nets.resnet18,
    "torch-mobilenet-v2": nets.mobilenet_v2,
    "torch-mobilenet-v3-small": nets.mobilenet_v3_small,
    "torch-squeezenet": nets.squeezenet1_1,
    "torch-densenet121": nets.densenet121,
    "torch-efficientnet-b0": nets.efficientnet_b0,
    "torch-convnext-tiny": nets.convnext_tiny,
    "torch-shufflenet": nets.shufflenet_v2_x0_5,
    "torch-regnet": nets.regnet_y_400mf,
}
TIMM = {"torch-vit-tiny": "vit_tiny_patch16_224"}
# The exporter of before 2.9 writes this opset; the one since then, its own.
OPSETS = {
    "torch-squeezenet": 9, "torch-shufflenet": 10, "torch-densenet121": 11, "torch-regnet": 12,
    "torch-resnet18": 13, "torch-mobilenet-v2": 14, "torch-efficientnet-b0": 15,
    "torch-mobilenet-v3-small": 16, "torch-convnext-tiny": 17, "torch-vit-tiny": 17,
}
BY_THE_NEW_EXPORTER = {"torch-resnet18", "torch-mobilenet-v3-small", "torch-convnext-tiny", "torch-vit-tiny"}
IN_HALF_PRECISION = {"torch-resnet18", "torch-mobilenet-v2"}
QUANTISED = {"torch-resnet18", "torch-mobilenet-v2"}


class Images(quantization.CalibrationDataReader):
    def __init__(self, inputs: numpy.ndarray):
        self.batches = iter([{"image": inputs}])

    def get_next(self):
        return next(self.batches, None)


def export(model: nn.Module, inputs: torch.Tensor, file: pathlib.Path, opset: int | None) -> None:
    options = {"dynamo": True} if opset is None else {"dynamo": False, "opset_version": opset}
    if opset is None:
        options |= {"dynamic_shapes": ({0: torch.export.Dim("batch", min=1)},), "verbose": False}
    else:
        options |= {"dynamic_axes": {"image": {0: "batch"}}}
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(model, (inputs,), file, input_names=["image"], **options)


def halve(file: pathlib.Path, to: pathlib.Path) -> None:
    """All numbers of the file in half precision, as converters do; images stay as they are."""
    model = onnx.load(file)
    half = onnx.TensorProto.FLOAT16
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor).astype(numpy.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.t.data_type == onnx.TensorProto.FLOAT:
                values = onnx.numpy_helper.to_array(attribute.t).astype(numpy.float16)
                attribute.t.CopyFrom(onnx.numpy_helper.from_array(values))
    (output,) = model.graph.output
    for node in model.graph.node:
        node.input[:] = ["image_half" if name == "image" else name for name in node.input]
        node.output[:] = ["output_half" if name == output.name else name for name in node.output]
    cast = onnx.helper.make_node
    model.graph.node.insert(0, cast("Cast", ["image"], ["image_half"], to=half))
    single = onnx.TensorProto.FLOAT
    model.graph.node.append(cast("Cast", ["output_half"], [output.name], to=single))
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, to)


def quantise(file: pathlib.Path, to: pathlib.Path, inputs: numpy.ndarray) -> None:
    quantization.quantize_static(
        file, to, Images(inputs), quant_format=quantization.QuantFormat.QDQ, per_channel=True
    )




def model_of(name: str) -> tuple[nn.Module, int]:
    if name in TIMM:
        return timm.create_model(TIMM[name], pretrained=False), 224
    return VISION[name](), SIZE


def main() -> None:
    out = pathlib.Path(sys.argv[1]) / "models"
    for name in [*VISION, *TIMM]:
        if (out / name).exists():
            continue
        model, size = model_of(name)
        images = networks.prepare(record.images(size), networks.IMAGENET)
        calibration = networks.prepare(record.images(size, count=networks.CALIBRATION, seed=1), networks.IMAGENET)
        networks.randomise(model, calibration)
        first = out / name
        with record.folder(first) as folder:
            export(model, images, folder / "model.onnx", OPSETS[name])
            finish(folder, images.numpy())
        if name in BY_THE_NEW_EXPORTER:
            with record.folder(out / f"{name}-new-exporter") as folder:
                export(model, images, folder / "model.onnx", None)
                finish(folder, images.numpy())
        if name in IN_HALF_PRECISION:
            with record.folder(out / f"{name}-half") as folder:
                halve(first / "model.onnx", folder / "model.onnx")
                finish(folder, images.numpy())
        if name in QUANTISED:
            with record.folder(out / f"{name}-quantised") as folder:
                quantise(first / "model.onnx", folder / "model.onnx", calibration.numpy())
                finish(folder, images.numpy())
        print(f"models/{name}", flush=True)


def finish(folder: pathlib.Path, inputs: numpy.ndarray) -> None:
    """Records what ONNX Runtime computes, with the file as it is."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    (output,) = session.run(None, {"image": inputs})
    record.write(
        folder / "reference.safetensors", numpy.moveaxis(inputs, 1, -1), output=output
    )


if __name__ == "__main__":
    main()
