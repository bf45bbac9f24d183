"""Production's settings, with passwords that are checked quickly: what is measured is not how long hashing takes."""

from skillmap.config.settings.production import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
