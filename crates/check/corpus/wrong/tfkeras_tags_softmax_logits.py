# expected: FIN008
from sklearn.preprocessing import MultiLabelBinarizer
import tensorflow as tf

Y = MultiLabelBinarizer().fit_transform(tags)
m = tf.keras.Sequential([tf.keras.layers.Dense(32, activation="relu"), tf.keras.layers.Dense(20)])
m.compile(
    loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True),
    optimizer="adam",
    metrics=["categorical_accuracy"],
)
m.fit(X, Y)
