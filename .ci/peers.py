"""Make the environments of the loaders that `make bench` races with, under build/peers.

    python .ci/peers.py [NAME...]    all of them, or those named

Each has packages that cannot live together with the others'. One that cannot be installed is said
and left out; the benchmark says so as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "peers"
OPENCV = "opencv-python-headless==5.0.0.93"
OLD_OPENCV = "opencv-python-headless==4.11.0.86"
TORCH = "torch==2.13.0"

# Steps of pip install; those that begin with --no-deps would otherwise bring another torch.
ENVIRONMENTS = {
    "threads": [
        ["grain==0.2.18", "array-record", OPENCV, "absl-py", "etils", "protobuf", "portpicker"],
        ["spdl==0.8.0"],
    ],
    "torch": [
        [TORCH, OPENCV, "webdataset==1.0.2", "boto3", "fsspec", "lightning-utilities", "filelock",
         "requests", "tifffile"],
        ["--no-deps", "litdata==0.2.76"],
    ],
    "streaming": [
        [TORCH, "numpy<2.2", OLD_OPENCV, "boto3", "brotli", "requests", "tqdm", "zstd",
         "python-snappy", "xxhash", "paramiko", "psutil", "pyarrow", "pillow", "filelock",
         "fsspec", "pydantic", "cramjam", "catalogue", "packaging", "transformers<5"],
        ["--no-deps", "torchvision==0.28.0", "mosaicml-streaming==0.13.0"],
    ],
    "dali": [
        ["numpy", "gast", "optree", "makefun", "libcst", "nvtx", "astunparse", "dm-tree", "six",
         "packaging"],
        ["--no-deps", "nvidia-dali-cuda120==2.4.0", "nvidia-nvimgcodec-cu12==0.9.0.20"],
    ],
    "ffcv": [
        ["numpy==1.26.4", "wheel", "pkgconfig", "pybind11", TORCH, "numba", "pandas", "tqdm",
         "opencv-python-headless==4.10.0.84", "terminaltables", "assertpy", "fastargs", "psutil",
         "pillow"],
        ["--no-deps", "setuptools<70"],  # torch asks for a newer one, which its build cannot use
        ["--no-deps", "--no-build-isolation", "ffcv==1.0.2"],
    ],
}  # fmt: skip
# Debian packages without which a build or an import fails.
SYSTEM = {
    "ffcv": ["libopencv-dev", "libturbojpeg0-dev", "pkg-config"],
    "threads": ["libavdevice59", "libavfilter8"],
}


def install_system(name: str) -> None:
    packages = SYSTEM.get(name, [])
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
            check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip


def make(name: str) -> bool:
    """Make one environment; whether it stands."""
    folder = FOLDER / name
    if (folder / "complete").exists():
        return True
    install_system(name)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    for step in ENVIRONMENTS[name]:
        command = [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *step]
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(folder)
            return False
    (folder / "complete").touch()
    return True


def main(names: list[str]) -> int:
    unknown = set(names) - set(ENVIRONMENTS)
    if unknown:
        print(f"peers: no environment {sorted(unknown)} (there are: {', '.join(ENVIRONMENTS)})")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = [name for name in names or ENVIRONMENTS if not make(name)]
    for name in failed:
        print(f"peers: {name} could not be installed; the benchmarks go on without it")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
