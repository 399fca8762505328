"""A typical simple service: Flask and Keras' EfficientNetB0 at 150 x 150."""

import io
import os

import numpy as np
from flask import Flask, jsonify, request
from keras.applications import EfficientNetB0
from PIL import Image

app = Flask(__name__)
# Random weights take the same time and need no download.
model = EfficientNetB0(weights=None, input_shape=(150, 150, 3), classes=1, classifier_activation="sigmoid")


@app.get("/ready")
def ready():
    """Report that the model is loaded."""
    return "yes"


@app.post("/predict")
def predict():
    """Score one uploaded image."""
    image = Image.open(io.BytesIO(request.files["image"].read())).convert("RGB").resize((150, 150))
    score = model.predict(np.asarray(image, dtype="float32")[None], verbose=0)[0, 0]
    return jsonify(score=float(score))


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
