#!/usr/bin/env python3
"""ONNX Runtime, and OpenVINO by itself, on the file that finial exports: pixels in, answers out.

    onnx_peer.py features RUNTIME MODEL.onnx PIXELS SIDE SECONDS
    onnx_peer.py predict RUNTIME MODEL.onnx IMAGE SIDE

RUNTIME is onnxruntime, openvino-f32 or openvino-bf16. What the head after the features costs is
nothing beside the network.
"""

import sys

import numpy as np

import clock

BATCH = 32


def ready(runtime, model, side, hint):
    """A function from pictures `[N, side, side, 3]` in 8 bits to their answers."""
    if runtime == "onnxruntime":
        import onnxruntime

        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name

        def run(images):
            batches = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
            return np.concatenate([session.run(None, {name: batch})[0] for batch in batches])

        return run

    import openvino

    core = openvino.Core()
    network = core.read_model(model)
    network.reshape([1, side, side, 3])
    settings = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": runtime.removeprefix("openvino-")}
    compiled = core.compile_model(network, "CPU", settings)
    queue = openvino.AsyncInferQueue(compiled)

    def run(images):
        answers = [None] * len(images)

        def keep(request, place):
            answers[place] = request.get_output_tensor(0).data[0].copy()

        queue.set_callback(keep)
        for place in range(len(images)):
            queue.start_async({0: images[place : place + 1]}, place)
        queue.wait_all()
        return np.stack(answers)

    return run


def features(runtime, model, pixels, side, seconds):
    images = clock.pictures(pixels, int(side))
    run = ready(runtime, model, int(side), "THROUGHPUT")
    clock.report(images_per_second=clock.rate(lambda: run(images), len(images), float(seconds)))


def predict(runtime, model, image, side):
    from PIL import Image

    picture = Image.open(image).convert("RGB").resize((int(side), int(side)), Image.Resampling.BILINEAR)
    run = ready(runtime, model, int(side), "LATENCY")
    clock.report(answer=int(run(np.asarray(picture)[None]).argmax()))


if __name__ == "__main__":
    {one.__name__: one for one in (features, predict)}[sys.argv[1]](*sys.argv[2:])
