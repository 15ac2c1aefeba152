"""What scenes of the chores share: the commands that an index needs over its life, on the real servers."""

from __future__ import annotations

from album_fixtures import (  # noqa: F401
    album,
    bare,
    emptied_journal,
    journal,
    killed,
    labels,
    said,
    snapshot,
    store,
    unnamed,
)
from command_fixtures import attach, calibrate, counted, good, own_index, run, whole  # noqa: F401
from group_fixtures import groups  # noqa: F401
from prune_fixtures import folder, indexed, pruned  # noqa: F401
from reembed_fixtures import cluster, few, filled, fresh, new_service, own_node  # noqa: F401
