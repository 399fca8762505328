"""Detection inside your own FastAPI app.

    uvicorn --app-dir examples fastapi_app:app
    curl -F file=@photo.jpg http://127.0.0.1:8000/check

Untrusted uploads are decoded inside this process here. `veraface serve` decodes them in sandboxed worker
processes; prefer it, or a proxy to it, on the open internet.
"""

from functools import cache
from typing import Any

from fastapi import FastAPI, HTTPException, UploadFile

from veraface import Detector, ImageError

app = FastAPI()


@cache
def detector() -> Detector:
    """Load the models once, at the first request."""
    return Detector()


@app.post("/check")
def check(file: UploadFile) -> dict[str, Any]:
    """Return the detection result as JSON. FastAPI runs plain functions in its thread pool."""
    try:
        return detector().detect(file.file, heatmap=False).to_dict()
    except ImageError as error:
        raise HTTPException(422, {"code": error.code, "message": str(error)}) from error
