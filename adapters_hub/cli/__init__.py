"""The front door. A verb is a file ``cli/<verb>.py`` with a click command named ``command``; it gets a ``House``, prints through
it and raises ``HubError``. Nothing but the frame turns an error into text or an exit code.
"""

from adapters_hub.cli._frame import main, make_cli
from adapters_hub.cli._house import TUTOR, House, pass_house

__all__ = ["TUTOR", "House", "main", "make_cli", "pass_house"]
