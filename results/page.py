"""Frame of the HTML pages: self-contained, responsive, printable, light and dark.

A page extends ``page.html.j2`` and is rendered with autoescape on. Its security policy
lets the browser load nothing and run nothing but the frame's own few lines of script
(known by their hash), so that untrusted text could do no harm even if it slipped through.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from surefoot.results.svg import CHART_CSS

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FRAME = "surefoot.results"


def trusted(html: str) -> Markup:
    """Marks HTML that this project has built and escaped as safe to insert."""
    from markupsafe import Markup

    return Markup(html)


@lru_cache(maxsize=8)
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    packages = dict.fromkeys((package, _FRAME))
    return Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _source(environment: Environment, name: str) -> str:
    return environment.get_template(name).render().strip()


def script_hash(script: str) -> str:
    """Returns the source expression that lets a policy allow one inline script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def render_page(template: str, *, package: str = _FRAME, **context: Any) -> str:
    """Renders a page.

    Args:
        template: Name of a template that extends ``page.html.j2``.
        package: Package whose ``templates`` folder holds it.
        context: What the template uses; the frame needs ``title``. Strings are escaped
            unless they went through :func:`trusted`.

    Returns:
        A complete HTML document.
    """
    environment = _environment(package)
    script = _source(environment, "page.js.j2")
    return environment.get_template(template).render(
        frame_css=trusted(_source(environment, "page.css.j2") + CHART_CSS),
        frame_script=trusted(script),
        frame_script_hash=script_hash(script),
        **context,
    )
