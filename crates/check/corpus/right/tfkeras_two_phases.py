import tensorflow as tf

base = tf.keras.applications.ResNet50(include_top=False, pooling="avg")
base.trainable = False
model = tf.keras.Sequential([base, tf.keras.layers.Dense(5, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
model.fit(images, labels)
base.trainable = True
model.compile(tf.keras.optimizers.Adam(1e-5), "categorical_crossentropy")
model.fit(images, labels)
