"""The Celery application: wiring only. Tasks live in each app's tasks.py; the truth about a job is its row."""

import os
from typing import Any

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmap.config.settings.base")


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {
        "broker_url": settings.CELERY_BROKER_URL,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        # A message is a nudge: it is taken from the broker before the work begins, never held back. One that gets lost
        # is sent again when the job's lease is over, which is what a message held back would have to wait for too. A
        # worker that holds messages when Redis goes away ends itself while it tries to give them back.
        "task_acks_late": False,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 200,
        "worker_hijack_root_logger": False,
        "worker_soft_shutdown_timeout": 10,
        "worker_lost_wait": 1.0,  # for what a killed child may have said: nothing, its job's row tells
        "broker_connection_retry_on_startup": True,
        # A Redis that is there but refuses, because its disk or its memory is full, is asked again too.
        "broker_channel_error_retry": True,
        "broker_connection_timeout": settings.CELERY_BROKER_CONNECTION_TIMEOUT,
        "timezone": settings.TIME_ZONE,
        "beat_schedule_filename": str(settings.VAR_DIR / "beat-schedule"),
        "beat_schedule": {
            "tick": {"task": "skillmap.core.tasks.tick", "schedule": settings.TICK_SECONDS},
        },
    }
    if settings.CELERY_BROKER_URL.startswith("filesystem"):
        folder = settings.CELERY_BROKER_DIR
        for name in ("messages", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        options["broker_transport_options"] = {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        }
        # A worker on the folder does its jobs itself. Children would share one lock around their queue, since nothing
        # here has a pipe for each: one that is killed while it waits keeps it, and the others wait for ever. More at
        # once are more workers.
        options["worker_pool"] = "solo"
    else:
        # A Redis that neither answers nor refuses must not keep a page waiting either.
        waits = {"socket_connect_timeout": 0.5, "socket_timeout": 2.0}
        options["broker_transport_options"] = {"visibility_timeout": 7200, **waits}
        options["worker_disable_prefetch"] = True  # a message waits in Redis, not in a worker that is busy
    return options


app = Celery("skillmap")
app.config_from_object(_options())
app.autodiscover_tasks()
