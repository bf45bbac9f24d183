"""The one library that all rooms put their tags and filters into; Django finds it as the package's `register`."""

from django import template

library = template.Library()
