"""Every setting, and how the places are written down to which notices go."""

from bot.settings.notice_targets import is_loopback, mail_server, signing_key
from bot.settings.settings import Settings, SettingsError, Site, load_settings

__all__ = ["Settings", "SettingsError", "Site", "is_loopback", "load_settings", "mail_server", "signing_key"]
