"""Print the extra (cuda12 or cuda13) that fits this machine's NVIDIA driver, or say why none does.

Runs before anything is installed, with any Python >= 3.11.
"""

import ctypes
import re
import shutil
import subprocess
import sys


def ask_driver() -> tuple[int, int] | str:
    """Newest CUDA major version that the driver runs, and the number of GPUs; or what is wrong."""
    for name in ("libcuda.so.1", "libcuda.so", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
            break
        except OSError:
            continue
    else:
        return ask_nvidia_smi()
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status == 100:  # CUDA_ERROR_NO_DEVICE
        return version.value // 1000, 0
    if status:
        return f"the NVIDIA driver does not start (CUDA error {status})"
    return version.value // 1000, count.value


def ask_nvidia_smi() -> tuple[int, int] | str:
    """The same from nvidia-smi, where the driver's library is not on the usual path."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "no NVIDIA driver (neither its library libcuda nor nvidia-smi)"
    told = subprocess.run([program], capture_output=True, text=True, check=False)
    version = re.search(r"CUDA Version:\s*(\d+)", told.stdout)
    listed = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)
    if told.returncode or version is None:
        return "nvidia-smi does not reach the NVIDIA driver"
    return int(version[1]), len(re.findall(r"^GPU \d+", listed.stdout, re.MULTILINE))


def main() -> int:
    found = ask_driver()
    if isinstance(found, str):
        print(f"no usable GPU here: {found}.", file=sys.stderr)
        return 1
    major, count = found
    if not count:
        print("no usable GPU here: the NVIDIA driver is installed, but sees none.", file=sys.stderr)
        return 1
    if major < 12:
        print(f"the NVIDIA driver runs CUDA {major}; CuPy needs 12 or newer.", file=sys.stderr)
        return 1
    print("cuda12" if major == 12 else "cuda13")
    return 0


if __name__ == "__main__":
    sys.exit(main())
