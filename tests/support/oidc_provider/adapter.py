"""What this provider says about people; some of it is wrong on purpose."""

import time
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.contrib.auth import get_user_model


class Adapter(DefaultOIDCAdapter):
    """Subjects are made of names; who is called `forged-…` gets a token that must not be taken."""

    def get_user_sub(self, client: Any, user: Any) -> str:
        """`subject-<name>`, the same at every provider of these tests."""
        return f"subject-{user.username}"

    def get_user_by_sub(self, client: Any, sub: str) -> Any:
        """The other way round."""
        users: Any = get_user_model()._default_manager
        return users.filter(username=sub.removeprefix("subject-"), is_active=True).first()

    def get_claims(self, purpose: Any, user: Any, client: Any, scopes: Any, **kwargs: Any) -> dict[str, Any]:
        """The second factor that was asked for, and what is forged."""
        claims: dict[str, Any] = super().get_claims(purpose, user, client, scopes, **kwargs)
        if purpose == "id_token" and user.username == "factor":
            claims["amr"] = ["pwd", "otp"]
        return claims

    def populate_id_token(self, id_token: dict[str, Any], client: Any, scopes: Any, **kwargs: Any) -> None:
        """Make a token wrong in one way."""
        wrong: dict[str, dict[str, Any]] = {
            "subject-forged-iss": {"iss": "https://another.example"},
            "subject-forged-aud": {"aud": "another-client"},
            "subject-forged-exp": {"exp": int(time.time()) - 3600},
            "subject-forged-sub": {"sub": "subject-alice"},
        }
        id_token.update(wrong.get(str(id_token.get("sub")), {}))
