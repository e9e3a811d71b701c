# expected: FIN005
import tensorflow as tf


class M(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.o = tf.keras.layers.Dense(10, activation=tf.nn.softmax)

    def call(self, x):
        return self.o(x)


model = M()
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam()


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
