"""Applications as teams write them: their compose files, and what must be seen once an instance runs them.

`IMAGE` in a compose file is an image whose web server listens on 8080 and says `orange`, under a tag. A service that
builds its own, or names one that nobody has, is given one by digest; promtail one that takes any arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BUSYBOX = "busybox itself"
"""Stands for the program in a shape's files."""
SEED = Path(__file__).parents[2] / "examples/orange/docker"


@dataclass(frozen=True)
class Shape:
    """`given`: services whose image is an input. `page`: what port 8080 says; `running`: the services that do."""

    files: Mapping[str, str]
    page: str = "orange"
    running: tuple[str, ...] = ("web",)
    given: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    also: Callable[[Callable[[str], str]], bool] | None = None
    """Asked with a function that runs a script on the instance and gives what it prints."""


def _serving(page: str) -> str:
    """A command of a service that serves this page."""
    return (
        f"""["/bin/busybox", "sh", "-c", "echo {page} >/www/index.html; exec /bin/busybox httpd -f -p 8080 -h /www"]"""
    )


SHAPES = {
    "the seed's": Shape(
        {path.name: path.read_text() for path in (SEED / "docker-compose.yml", SEED / "promtail-config.yml")},
        running=("promtail", "spring_server"),
        given=("promtail", "spring_server"),
        flags={"parameters": "/orange/env", "environment-file": "../.env"},
        also=lambda sh: "LOKI_URL" in sh("docker exec promtail /bin/busybox cat /promtail-config.yml"),
    ),
    "several services, a healthcheck, a network, a named volume": Shape(
        {
            "docker-compose.yml": """\
services:
  web:
    image: IMAGE
    ports: ["8080:8080"]
    networks: [front, back]
    depends_on:
      api: {condition: service_healthy}
  api:
    image: IMAGE
    networks: [back]
    volumes: ["data:/data"]
    healthcheck:
      test: ["CMD", "/bin/busybox", "wget", "-qO-", "http://127.0.0.1:8080/"]
      interval: 1s
      timeout: 5s
      retries: 60
networks:
  front:
  back: {internal: true}
volumes:
  data:
"""
        },
        running=("api", "web"),
        also=lambda sh: "orange_data" in sh("docker volume ls --quiet"),
    ),
    "a profile that is chosen": Shape(
        {
            "docker-compose.yml": """\
services:
  web: {image: IMAGE, ports: ["8080:8080"]}
  debug: {build: ./debug, profiles: [debug, all]}
  load: {build: ./load, profiles: [load]}
"""
        },
        running=("debug", "web"),
        given=("debug",),
        flags={"profiles": "debug"},
    ),
    "the same profile not chosen, though the environment asks for it": Shape(
        {
            "docker-compose.yml": """\
services:
  web: {image: IMAGE, ports: ["8080:8080"]}
  debug: {build: ./debug, profiles: [debug]}
"""
        },
        flags={"parameters": "/orange/env"},
    ),
    "extends, from a file in another folder": Shape(
        {
            "deploy/compose.yml": """\
services:
  web:
    extends: {file: ../common/base.yml, service: server}
    ports: ["8080:8080"]
""",
            "common/base.yml": """\
services:
  root: {image: IMAGE, environment: {FROM: base}}
  server: {extends: root, volumes: ["./www:/www:ro"]}
""",
            "common/www/index.html": "extended",
        },
        page="extended",
        flags={"compose-files": "deploy/compose.yml"},
    ),
    "include": Shape(
        {
            "docker-compose.yml": "include: [web/compose.yml]\nservices:\n  job: {image: IMAGE}\n",
            "web/compose.yml": 'services:\n  web: {image: IMAGE, ports: ["8080:8080"], volumes: ["./www:/www"]}\n',
            "web/www/index.html": "included",
        },
        page="included",
        running=("job", "web"),
    ),
    "anchors and extension fields": Shape(
        {
            "docker-compose.yml": f"""\
x-logging: &logging
  driver: json-file
  options: {{max-size: 1m, max-file: "2"}}
x-service: &service
  image: IMAGE
  restart: "no"
  logging: *logging
services:
  web:
    <<: *service
    command: {_serving("anchored")}
    ports: [8080:8080]
  other:
    <<: *service
    restart: always
"""
        },
        page="anchored",
        running=("other", "web"),
    ),
    "configs and secrets": Shape(
        {
            "docker-compose.yml": """\
services:
  web:
    image: IMAGE
    ports: ["8080:8080"]
    configs: [{source: page, target: /www/index.html}]
    secrets: [token]
configs: {page: {file: ./page.html}}
secrets: {token: {file: ./token.txt}}
""",
            "page.html": "configured",
            "token.txt": "not so secret",
        },
        page="configured",
        flags={"files": "token.txt"},
        also=lambda sh: sh("docker exec orange-web-1 /bin/busybox cat /run/secrets/token") == "not so secret",
    ),
    "two files, one over the other": Shape(
        {
            "compose.yml": """\
services:
  web:
    build: .
    ports: ["80:80"]
    volumes: ["./development:/www"]
""",
            "production.yml": """\
services:
  web:
    ports: !override ["8080:8080"]
    volumes: ["./production:/www"]
""",
            "production/index.html": "production",
            "production/notes.md": "not for instances",
        },
        page="production",
        given=("web",),
        flags={"compose-files": "compose.yml,production.yml", "exclude": "*.md"},
        also=lambda sh: "notes.md" not in sh("docker exec orange-web-1 /bin/busybox ls /www"),
    ),
    "variables": Shape(
        {
            "docker-compose.yml": f"""\
services:
  web:
    image: IMAGE
    command: {_serving("${GREETING:?} ${NAME:-nobody} $$HOME")}
    environment: [HOME=/home, "PASSWORD"]
    ports: ["${{PORT:-8080}}:8080"]
"""
        },
        page="hello nobody /home",
        flags={"parameters": "/orange/env"},
    ),
    "values in a .env of the repository": Shape(
        {
            "deploy/docker-compose.yml": f"""\
services:
  web:
    image: IMAGE
    command: {_serving("${GREETING}")}
    ports: ["${{WEB_PORT}}:8080"]
""",
            "deploy/.env": "WEB_PORT=8080\nGREETING='of the repository'\n",
        },
        page="of the repository",
        flags={"compose-files": "deploy/docker-compose.yml", "files": "deploy/.env"},
    ),
    "long forms": Shape(
        {
            "docker-compose.yml": """\
services:
  web:
    image: IMAGE
    ports:
      - {target: 8080, published: "8080", protocol: tcp, mode: host}
    volumes:
      - {type: bind, source: ./www, target: /www, read_only: true}
      - {type: volume, source: data, target: /data}
      - {type: tmpfs, target: /scratch}
    ulimits: {nofile: {soft: 1024, hard: 2048}}
    logging: {driver: json-file, options: {max-size: 1m}}
volumes: {data: {}}
""",
            "www/index.html": "long",
        },
        page="long",
    ),
    "a container that prepares and ends": Shape(
        {
            "docker-compose.yml": """\
services:
  prepare:
    image: IMAGE
    command: ["/bin/busybox", "sh", "-c", "echo prepared >/pages/index.html"]
    volumes: ["pages:/pages"]
  web:
    image: IMAGE
    ports: ["8080:8080"]
    volumes: ["pages:/www"]
    depends_on:
      prepare: {condition: service_completed_successfully}
volumes: {pages: {}}
"""
        },
        page="prepared",
    ),
    "replicas": Shape(
        {
            "docker-compose.yml": """\
services:
  web: {image: IMAGE, ports: ["8080-8089:8080"], deploy: {replicas: 2}}
"""
        },
        running=("web", "web"),
    ),
    "a program of one's own": Shape(
        {
            "docker-compose.yml": """\
services:
  web:
    image: IMAGE
    command: [/tools/httpd, -f, -p, "8080", -h, /www]
    volumes: ["./tools:/tools"]
    ports: ["8080:8080"]
""",
            "tools/httpd": BUSYBOX,
        },
        page="orange",
    ),
}
