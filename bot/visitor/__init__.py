"""One visitor's session at the socket: protocol, identity, limits, commands in, events out."""

from bot.visitor.channel import SocketChannel
from bot.visitor.desk_status import DeskStatus
from bot.visitor.identity import VisitorAuthentication
from bot.visitor.limits import Limits
from bot.visitor.protocol import RESTART
from bot.visitor.session import ChatServices, ChatSession

__all__ = [
    "RESTART",
    "ChatServices",
    "ChatSession",
    "DeskStatus",
    "Limits",
    "SocketChannel",
    "VisitorAuthentication",
]
