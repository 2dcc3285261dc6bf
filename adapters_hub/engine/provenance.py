"""Where an adapter comes from: it belongs to the base and the chat template it was trained with. Knows the manifest alone, no weights."""

from __future__ import annotations

from adapters_hub.errors import HubError
from adapters_hub.types import Adapter, BaseIdentity


def require_same_base(adapter: Adapter, base: BaseIdentity, template_sha256: str) -> None:
    """Raise HubError when the manifest says that ``adapter`` was trained on another base or with another chat template.

    What it does not know, as of an adapter that was imported, is left to the layers."""
    manifest = adapter.manifest
    if manifest is None:
        return
    trained = manifest.base
    same_shape = not trained.fingerprint or trained.fingerprint == base.fingerprint
    same_weights = not trained.weights or not base.weights or trained.weights == base.weights
    if not (same_shape and same_weights):
        raise HubError(
            f"adapter '{adapter.name}' (run {manifest.run_id}) was trained on the base '{trained.model}', not on '{base.model}'",
            hint=f"set [base] model back to '{trained.model}', or train again: hub train {adapter.name}",
        )
    if manifest.template_sha256 not in ("", template_sha256):
        raise HubError(
            f"adapter '{adapter.name}' (run {manifest.run_id}) was trained with another chat template than the one in force",
            hint=f"restore the template, or train again: hub train {adapter.name}",
        )
