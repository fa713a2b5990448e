"""A whole cloud in one process: puts the parts together, starts them in order, and takes them down again."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from types import TracebackType

from deployer.commands import render
from localcloud.authorised import Authorised
from localcloud.aws.auto_scaling import AutoScaling
from localcloud.aws.fleet import Fleet
from localcloud.aws.health_checks import check, taken_for_healthy
from localcloud.aws.identity import Identity
from localcloud.aws.load_balancing import LoadBalancing
from localcloud.aws.moto_seams import Books, Reflexes, forget_everything
from localcloud.aws.operations import Operations
from localcloud.aws.run_command import RunCommand
from localcloud.aws.server import Server
from localcloud.aws.simulation import Simulator
from localcloud.aws.systems_manager import SystemsManager
from localcloud.aws.target_health import TargetHealth
from localcloud.control import PREFIX as CONTROL
from localcloud.control import Control
from localcloud.desk import Desk
from localcloud.engine_command import search_path
from localcloud.environment_file import environment_of, without_proxy
from localcloud.faults import Asked, Parts, inject
from localcloud.github.server import PREFIX as GITHUB
from localcloud.github.server import GitHub
from localcloud.instance_metadata import MetadataOfInstances
from localcloud.load_balancer import LoadBalancer
from localcloud.options import CloudOptions
from localcloud.outputs import keep, keep_objects
from localcloud.resources import HOOK, Account, Made, Wanted
from localcloud.routing import Routing
from localcloud.runtime import Runtime
from localcloud.runtime.select import SIMULATED, Choice, Registry, choose, hold_engine, make_registry, make_runtime

TICK = 0.05
"""Seconds between two looks of the reconcilers."""

_log = logging.getLogger(__name__)


_one_per_process = threading.Lock()
"""moto's books are the process's own, so a second cloud would share them."""


class CloudError(Exception):
    """The cloud could not be started; the text says what went wrong."""


class Cloud:
    """One cloud, running between `start` and `close` (or as a context manager). One per process at a time."""

    def __init__(self, options: CloudOptions) -> None:
        self.options = options
        self.choice: Choice = choose(options.runtime)
        self.control_token = secrets.token_urlsafe(24)
        self.environment: dict[str, str] = {}
        self.lock = threading.RLock()
        """Of the account's books."""
        self._closing = threading.Event()
        self._stack = ExitStack()
        self.books: Books
        self.authorised: Authorised
        """What was asked of the account, by whom, and whether it was allowed."""
        self.wanted: Wanted
        self.server: Server
        self.github: GitHub
        self.registry: Registry
        self.runtime: Runtime
        self.fleet: Fleet
        self.run_command: RunCommand
        self.targets: TargetHealth
        self.load_balancer: LoadBalancer | None = None

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Cloud:
        """Returns once every instance is in service. Raises with the cause, everything taken down again."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def expecting_denials(self) -> AbstractContextManager[None]:
        """What is denied inside was meant to be."""
        return self.authorised.expecting_denials()

    def interrupt(self) -> None:
        """Ends a `start` under way, which then raises; safe in a signal handler."""
        self._closing.set()

    def close(self) -> None:
        """Takes down all that was made, in reverse order; a second call does nothing."""
        self._closing.set()
        self._stack.close()

    def _start(self) -> None:
        if not _one_per_process.acquire(blocking=False):
            raise CloudError("this process has a cloud already, and there can be only one")
        self._stack.callback(_one_per_process.release)
        self.options.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = hold_engine(self.choice.name, self.options.state_directory)
        if engine is not None:
            self._stack.callback(engine.close)
        self._open_doors()
        self._assemble()
        account = Account(self.server.origin, self.options.region)
        wanted = self.wanted = self._wanted()
        made = account.furnish(wanted)
        self._balance(made)
        account.open_group(wanted, made.target_group_arn)
        self._await_instances()
        url = self.load_balancer.url if self.load_balancer else ""
        self.environment = environment_of(
            self.options, made, self.github, self.server.origin, self.registry.address, url
        )

    def _open_doors(self) -> None:
        """Everything with a port, so that instances can be told where it is."""
        self.server = Server(self.lock)
        self._stack.callback(self.server.close)
        self.github = GitHub(self.server.origin)
        issuer, options = self.github.issuer, self.options
        issuer.job = replace(issuer.job, repository=options.repository, environment=options.environment)
        self.server.mount(GITHUB, self.github)
        self.server.mount(CONTROL, Control(self.control_token, Desk(self).calls()))
        self.server.start()
        self.registry = make_registry(self.choice.name, self.options.state_directory)
        self._stack.callback(self.registry.stop)
        self.registry.start()

    def _assemble(self) -> None:
        options, lock = self.options, self.lock
        forget_everything()
        self._stack.callback(Reflexes().restore)
        books = self.books = Books(options.region)
        self.authorised = Authorised(options.state_directory)
        self.server.authorisation.begin(books, self.authorised)
        metadata = MetadataOfInstances(books, options, lock)
        self._stack.callback(metadata.close)
        ports = [self.server.port, self.registry.port]
        self.runtime = make_runtime(self.choice.name, options, self._on_instances(), ports)
        self._stack.callback(self.runtime.close)
        self.run_command = RunCommand(self.runtime, options.region, lock, options.tempo)
        self.targets = TargetHealth(
            books,
            lock,
            lambda instance_id: self.fleet.address_of(instance_id),
            self._open_requests,
            taken_for_healthy if self._simulated else check,
        )
        self._stack.callback(self.targets.close)
        serve = None if self._simulated else metadata.serve  # one server an instance, and nobody to ask it
        self.fleet = Fleet(books, self.runtime, lock, self.run_command, self.targets, serve)
        operations = Operations()
        self._stack.callback(operations.close)
        operations.replace("ssm", SystemsManager(books, self.run_command).handlers())
        operations.replace("autoscaling", AutoScaling(books, self.fleet).handlers())
        operations.replace("elbv2", LoadBalancing(books, self.targets).handlers())
        operations.replace("iam", Simulator(books).handlers())
        operations.replace("sts", Identity(books, self.github.issuer, options.session_seconds).handlers())
        self._stack.callback(self._keep_outputs)
        self._every_tick(self.fleet.tick, lambda: self.run_command.expire(lambda each: not books.is_running(each)))
        self._every_tick(self.targets.tick)

    def _keep_outputs(self) -> None:
        """What was sent and what lies in buckets; scripts, consoles and programs are kept where they run."""
        keep("commands", *(f"{each.comment} {dict(each.parameters)}" for each in self.run_command.visible()))
        keep_objects(self.books.objects())

    @property
    def _simulated(self) -> bool:
        return self.choice.name == SIMULATED

    def _open_requests(self, instance_id: str) -> int | None:
        """What the load balancer still has under way at an instance; None where there is none to ask."""
        address = self.fleet.address_of(instance_id)
        if self.load_balancer is None or address is None:
            return None
        return self.load_balancer.open_requests(address)

    def _every_tick(self, *looks: Callable[[], None]) -> None:
        def loop() -> None:
            while not self._closing.wait(TICK):
                for look in looks:
                    try:
                        look()
                    except Exception:  # one bad look must not end the cloud's life
                        _log.exception("a reconciler failed")

        thread = threading.Thread(target=loop, name="reconciler", daemon=True)
        self._stack.callback(thread.join, 10)
        thread.start()

    def _on_instances(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.server.origin,
            "AWS_REGION": self.options.region,
            "AWS_DEFAULT_REGION": self.options.region,
            "REGISTRY": self.registry.address,
            **without_proxy({}),
        }

    def _wanted(self) -> Wanted:
        options = self.options
        smallest, largest = options.limits
        hook = HOOK if options.launch_hook else ""
        user_data = options.user_data
        if user_data is None:
            user_data = render.user_data(options.app, options.bucket, options.group, hook)
        return Wanted(
            region=options.region,
            app=options.app,
            bucket=options.bucket,
            group=options.group,
            document=options.document,
            parameters=options.parameters,
            instances=options.instances,
            min_size=smallest,
            max_size=largest,
            target_group=options.target_group,
            health_check_type=options.health_check_type,
            dotenv=options.dotenv,
            document_text=render.document(),
            user_data=user_data,
            launch_hook=hook,
            identity=options.identity(self.github.issuer.job),
            operator=options.operator,
        )

    def _balance(self, made: Made) -> None:
        if not made.target_group_arn or self._simulated:
            return
        if not shutil.which("haproxy", path=search_path()):
            self.choice = replace(self.choice, reason=f"{self.choice.reason}; no haproxy here, so no load balancer")
            return
        self.load_balancer = LoadBalancer(self.options.state_directory)
        self._stack.callback(self.load_balancer.stop)
        self.load_balancer.start()
        routing = Routing(self.targets, self.fleet.address_of, made.target_group_arn, self.load_balancer.follow)
        self._every_tick(routing.tick)

    def _await_instances(self) -> None:
        deadline = time.monotonic() + self.options.boot_patience
        while True:
            with self.lock:
                states = [each.state for each in self.fleet.members.values()]
                trouble = [each for each in self.fleet.activities if each.status in ("Failed", "Cancelled")]
            if states.count("InService") >= self.options.instances:
                return
            if trouble:
                said = trouble[0].last_words or trouble[0].message
                raise CloudError(f"an instance did not boot: {trouble[0].description}: {said}")
            if time.monotonic() > deadline:
                raise CloudError(f"not every instance came into service in time: {states}")
            if self._closing.wait(TICK):
                raise CloudError("the cloud was told to stop while it started")

    def inject(self, asked: Asked) -> str:
        """Makes something go wrong on request, or right again; answers what happened. Raises UnknownFault."""
        parts = Parts(self.fleet, self.run_command, self.targets, self.server.disturbances, self.runtime, self.registry)
        return inject(parts, asked)
