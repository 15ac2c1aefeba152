"""The machine that a bench runs on: what a figure of speed is worth without it is nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
UNITS = {
    "AVX2": "avx2",
    "AVX-512": "avx512f",
    "VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX": "amx_bf16",
}
"""Our name -> Linux's flag."""
BF16 = {"AVX512_BF16", "AMX"}


@dataclass(frozen=True)
class Machine:
    """units: those of ``UNITS`` that its CPU has; empty where the system doesn't tell, as on macOS."""

    cpu: str
    cores: int
    units: tuple[str, ...]

    @classmethod
    def here(cls) -> Machine:
        if CPU_INFO.exists():
            return cls.of(CPU_INFO.read_text())
        return cls(_named_by_system(), os.cpu_count() or 1, ())

    @classmethod
    def of(cls, cpu_info: str) -> Machine:
        """From ``/proc/cpuinfo``; of CPUs that differ, the first."""
        lines = (line.partition(":") for line in cpu_info.splitlines())
        first: dict[str, str] = {}
        for name, _, value in lines:
            first.setdefault(name.strip(), value.strip())
        flags = set(first.get("flags", "").split())
        units = tuple(unit for unit, flag in UNITS.items() if flag in flags)
        return cls(first.get("model name") or platform.machine(), os.cpu_count() or 1, units)

    @property
    def has_bf16(self) -> bool:
        """Whether it has units that multiply bf16 faster than fp32."""
        return bool(BF16 & set(self.units))

    def shown(self) -> str:
        lacking = [unit for unit in UNITS if unit not in self.units]
        parts = [self.cpu, f"{self.cores} cores", f"with {', '.join(self.units) or 'no units that we know'}"]
        return ", ".join(parts) + (f"; without {', '.join(lacking)}" if lacking else "")


def _named_by_system() -> str:
    try:
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return platform.processor() or platform.machine()
