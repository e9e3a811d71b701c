import keras
from keras import ops


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher = teacher
        self.student = student

    def compile(
        self, optimizer, metrics, student_loss_fn, distillation_loss_fn, alpha=0.1, temperature=3
    ):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss_fn = student_loss_fn
        self.distillation_loss_fn = distillation_loss_fn
        self.temperature = temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
        t = self.teacher(x, training=False)
        s = self.student_loss_fn(y, y_pred)
        d = (
            self.distillation_loss_fn(
                ops.softmax(t / self.temperature, axis=1),
                ops.softmax(y_pred / self.temperature, axis=1),
            )
            * self.temperature**2
        )
        return 0.1 * s + 0.9 * d

    def call(self, x):
        return self.student(x)


teacher = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(256, 3, strides=2),
        keras.layers.LeakyReLU(),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
student = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 3, strides=2),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
(x, y), _ = keras.datasets.mnist.load_data()
x = x.astype("float32") / 255
d = Distiller(student, teacher)
d.compile(
    optimizer=keras.optimizers.Adam(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
    student_loss_fn=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    distillation_loss_fn=keras.losses.KLDivergence(),
    alpha=0.1,
    temperature=10,
)
d.fit(x, y, epochs=3)
