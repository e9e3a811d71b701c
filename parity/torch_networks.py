"""References of torchvision, timm and efficientnet-lite-pytorch: each network with random weights.

    python torch_networks.py OUT [NAME...]
"""

import pathlib
import sys
from unittest import mock

import numpy
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as nets
from torchvision.models import feature_extraction

import record

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
UNIT = ((0.5,) * 3, (0.5,) * 3)
# (x - 127) / 128
LITE = ((127 / 255,) * 3, (128 / 255,) * 3)

# Constructor, image size, and the node of torch.fx that a new head reads. Sizes are small and
# leave the same rest as the published ones when divided by 32, as in keras_networks.py. VGG and
# transformers take one size only.
TORCHVISION = {
    "vgg16-torchvision": (nets.vgg16, 224, "features.30"),
    "vgg19-torchvision": (nets.vgg19, 224, "features.36"),
    "resnet18": (nets.resnet18, 64, "layer4.1.relu_1"),
    "resnet34": (nets.resnet34, 64, "layer4.2.relu_1"),
    "resnet50-torchvision": (nets.resnet50, 64, "layer4.2.relu_2"),
    "resnet101-torchvision": (nets.resnet101, 64, "layer4.2.relu_2"),
    "resnet152-torchvision": (nets.resnet152, 64, "layer4.2.relu_2"),
    "inception-v3-torchvision": (nets.inception_v3, 75, "Mixed_7c.cat_2"),
    "mobilenet-v2-torchvision": (nets.mobilenet_v2, 64, "features.18.2"),
    "mobilenet-v3-small-torchvision": (nets.mobilenet_v3_small, 64, "features.12.2"),
    "mobilenet-v3-large-torchvision": (nets.mobilenet_v3_large, 64, "features.16.2"),
    "densenet121-torchvision": (nets.densenet121, 64, "relu"),
    "densenet169-torchvision": (nets.densenet169, 64, "relu"),
    "densenet201-torchvision": (nets.densenet201, 64, "relu"),
    "squeezenet1.1": (nets.squeezenet1_1, 64, "features.12.cat"),
    "efficientnet-b0-torchvision": (nets.efficientnet_b0, 64, "features.8.2"),
    "efficientnet-b1-torchvision": (nets.efficientnet_b1, 80, "features.8.2"),
    "efficientnet-b2-torchvision": (nets.efficientnet_b2, 64, "features.8.2"),
    "efficientnet-b3-torchvision": (nets.efficientnet_b3, 76, "features.8.2"),
    "efficientnet-b4-torchvision": (nets.efficientnet_b4, 92, "features.8.2"),
    "efficientnet-b5-torchvision": (nets.efficientnet_b5, 72, "features.8.2"),
    "efficientnet-b6-torchvision": (nets.efficientnet_b6, 80, "features.8.2"),
    "efficientnet-b7-torchvision": (nets.efficientnet_b7, 88, "features.8.2"),
    "convnext-tiny-torchvision": (nets.convnext_tiny, 64, "classifier.0.permute_1"),
    "convnext-small-torchvision": (nets.convnext_small, 64, "classifier.0.permute_1"),
    "convnext-base-torchvision": (nets.convnext_base, 64, "classifier.0.permute_1"),
    "vit-base-16-torchvision": (nets.vit_b_16, 224, "encoder.ln"),
}
TIMM = {
    "vit-small-16": "vit_small_patch16_224",
    "vit-base-16": "vit_base_patch16_224",
    "dinov2-small-14": "vit_small_patch14_dinov2",
    "dinov2-base-14": "vit_base_patch14_dinov2",
}
# Networks of torchvision that timm has too, under its own names. Of VGG it has the classifier as
# convolutions, and Inception's weights go with another scale of the images than its own.
AS_TIMM = {
    "vgg16-torchvision": ("vgg16", 224, IMAGENET),
    "resnet18": ("resnet18", 64, IMAGENET),
    "resnet50-torchvision": ("resnet50", 64, IMAGENET),
    "inception-v3-torchvision": ("inception_v3", 75, UNIT),
    "mobilenet-v2-torchvision": ("mobilenetv2_100", 64, IMAGENET),
    "densenet121-torchvision": ("densenet121", 64, IMAGENET),
    "efficientnet-b0-torchvision": ("efficientnet_b0", 64, IMAGENET),
    "efficientnet-b3-torchvision": ("efficientnet_b3", 76, IMAGENET),
    "convnext-tiny-torchvision": ("convnext_tiny", 64, IMAGENET),
}
LITE_NETWORKS = {"efficientnet-lite0": 64, "efficientnet-lite1": 80, "efficientnet-lite2": 68}

# One of each family is stored in all the forms that PyTorch has for weights.
IN_ALL_FORMS = {
    "resnet18", "inception-v3-torchvision", "mobilenet-v2-torchvision",
    "mobilenet-v3-small-torchvision", "densenet121-torchvision", "squeezenet1.1",
    "efficientnet-b0-torchvision", "convnext-tiny-torchvision", "vit-small-16",
    "dinov2-small-14", "efficientnet-lite0",
}

# Images of which running statistics are taken.
CALIBRATION = 16


def randomise(model: nn.Module, inputs: torch.Tensor, seed: int = 0) -> None:
    """Weights with which activations neither die nor explode; running statistics near to what
    passes through the network, but none so small that it would magnify rounding errors."""
    torch.manual_seed(seed)
    for name, weight in model.named_parameters():
        weight.data = draw(name, weight)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    if norms:
        with torch.no_grad():
            model(inputs)
    model.eval()
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
        spread = norm.running_var.clamp(min=norm.running_var.mean() / 4).sqrt()
        norm.running_mean += spread * torch.randn_like(spread) * 0.1
        norm.running_var = spread**2 * torch.empty_like(spread).uniform_(0.7, 1.4)


def draw(name: str, weight: torch.Tensor) -> torch.Tensor:
    """Numbers for a parameter of that name."""
    inputs = weight[0].numel()
    if name.endswith(("pos_embed", "cls_token")):
        return torch.randn_like(weight) * 0.5
    if name.endswith("bn3.weight"):
        # What a residual block adds is little, as in trained networks; else rounding errors grow.
        return torch.empty_like(weight).uniform_(0.1, 0.3)
    if name.endswith(("gamma", "layer_scale")):
        return torch.empty_like(weight).uniform_(0.2, 0.6)
    if weight.dim() > 1:
        return torch.randn_like(weight) * (2 / inputs) ** 0.5
    if name.endswith("weight"):
        return torch.empty_like(weight).uniform_(0.5, 1.5)
    return torch.randn_like(weight) * 0.1


def prepare(images: numpy.ndarray, statistics) -> torch.Tensor:
    mean, deviation = statistics
    values = (images / 255 - numpy.array(mean)) / numpy.array(deviation)
    return torch.from_numpy(record.channels_first(values).astype(numpy.float32))


def values_behind_nodes(model: nn.Module, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """By the name of torch.fx, also inside of torchvision's own layers. No activation may
    overwrite what it reads."""
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    relu = lambda values, inplace=False: torch.relu(values)
    no_leaves = mock.patch.object(feature_extraction, "_get_leaf_modules_for_ops", lambda: [])
    with mock.patch.object(nn.functional, "relu", relu), no_leaves:
        _, nodes = feature_extraction.get_graph_node_names(model)
        return feature_extraction.create_feature_extractor(model, nodes)(inputs)


def values_behind_modules(model: nn.Module, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """By the module's path; of one that runs several times, the last value."""
    values = {}
    hooks = []
    for name, module in model.named_modules():
        def keep(_module, _inputs, output, name=name):
            if name and torch.is_tensor(output):
                values[name] = output.clone()
        hooks.append(module.register_forward_hook(keep))
    model(inputs)
    for hook in hooks:
        hook.remove()
    return values


def write_weights(name: str, state: dict[str, torch.Tensor], folder: pathlib.Path) -> None:
    """As published: torchvision's older files are PyTorch's legacy format."""
    if name.startswith("densenet"):
        # Names of the published files, which torchvision itself renames when it reads them.
        parts = {f"{part}{n}.": f"{part}.{n}." for part in ("norm", "conv") for n in (1, 2)}
        for part, published in parts.items():
            state = {
                key.replace(part, published) if "denselayer" in key else key: value
                for key, value in state.items()
            }
    if name in TIMM:
        save_file(state, folder / "weights.safetensors")
    else:
        torch.save(state, folder / "weights.pth")
    if name in IN_ALL_FORMS:
        torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
        save_file(state, folder / "other.safetensors")


def write(folder: pathlib.Path, images, layers, features, output) -> None:
    as_numpy = lambda value: value.detach().numpy()
    record.write(
        folder / "reference.safetensors",
        images,
        {layer: as_numpy(value) for layer, value in layers.items() if torch.is_tensor(value)},
        features=as_numpy(features),
        output=as_numpy(output),
    )


def torchvision_reference(name: str, folder: pathlib.Path) -> None:
    constructor, size, features = TORCHVISION[name]
    options = {}
    if constructor is nets.inception_v3:
        # What the published weights bring with them.
        options = {"transform_input": True, "init_weights": False}
    model = constructor(**options)
    images = record.images(size, count=2 if size < 100 else 1)
    # Its second classifier, for training, needs a map of some size.
    calibration = record.images(
        299 if options else size, count=4 if size > 100 or options else CALIBRATION, seed=1
    )
    randomise(model, prepare(calibration, IMAGENET))
    values = values_behind_nodes(model, prepare(images, IMAGENET))
    value = values[features]
    if value.dim() == 3:
        # Of a transformer's tokens the first one is classified.
        value = value[:, 0]
    write(folder, images, values, value, model(prepare(images, IMAGENET)))
    write_weights(name, model.state_dict(), folder)


def timm_reference(name: str, folder: pathlib.Path) -> None:
    model = timm.create_model(TIMM[name], pretrained=False)
    statistics = model.pretrained_cfg["mean"], model.pretrained_cfg["std"]
    size = model.patch_embed.img_size[0]
    images = record.images(size, count=2 if size < 100 else 1)
    inputs = prepare(images, statistics)
    randomise(model, inputs)
    features = model.forward_head(model.forward_features(inputs), pre_logits=True)
    layers = values_behind_modules(model, inputs)
    write(folder, images, layers, features, model(inputs))
    write_weights(name, model.state_dict(), folder)


def as_timm_reference(name: str, folder: pathlib.Path) -> None:
    """Only up to the features: weights of a classifier may have another form."""
    timm_name, size, statistics = AS_TIMM[name]
    model = timm.create_model(timm_name, pretrained=False)
    images = record.images(size, count=2 if size < 100 else 1)
    calibration = record.images(size, count=4 if size > 100 else CALIBRATION, seed=1)
    randomise(model, prepare(calibration, statistics))
    features = model.forward_features(prepare(images, statistics))
    if name.startswith("convnext"):
        features = model.forward_head(features, pre_logits=True)
    record.write(folder / "reference.safetensors", images, features=features.numpy())
    save_file(model.state_dict(), folder / "weights.safetensors")


def lite_reference(name: str, folder: pathlib.Path) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    size = LITE_NETWORKS[name]
    model = EfficientNet.from_name(name)
    randomise(model, prepare(record.images(size, count=CALIBRATION, seed=1), LITE))
    write_lite(folder, model, record.images(size))
    write_weights(name, model.state_dict(), folder)


def write_lite(folder: pathlib.Path, model: nn.Module, images: numpy.ndarray) -> None:
    """Its paddings are computed for the published size, and fit every size of the same rest."""
    inputs = prepare(images, LITE)
    layers = values_behind_modules(model, inputs)
    probabilities = model(inputs).softmax(dim=1)
    write(folder, images, layers, model.extract_features(inputs), probabilities)


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2:]
    makers = [
        ("networks", TORCHVISION, torchvision_reference),
        ("networks", TIMM, timm_reference),
        ("networks", LITE_NETWORKS, lite_reference),
        ("as-timm", AS_TIMM, as_timm_reference),
    ]
    for kind, networks, make in makers:
        for name in networks:
            place = out / kind / name
            if (wanted and name not in wanted) or place.exists():
                continue
            with record.folder(place) as folder, torch.no_grad():
                make(name, folder)
            print(f"{kind}/{name}", flush=True)


if __name__ == "__main__":
    main()
