"""Template tags and filters of the pages' parts; each part is a template in ``templates/components``.

What a part needs stands in the comment at the top of its template.
"""

from skillmap.core.templatetags.ui import blocks, charts, form_parts, icons, parts, words  # noqa: F401  they register
from skillmap.core.templatetags.ui.library import library as register

__all__ = ["register"]
