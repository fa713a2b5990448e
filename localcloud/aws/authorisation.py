"""Asks of every request whether its signer may: IAM's own evaluation, against the account's own policies.

The evaluator is ministack's (docs/decisions/0015-authorisation.md); what is not modelled is listed there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ministack.core.iam_evaluator import EvalContext, EvalResult, combine_resource_policy, evaluate
from werkzeug.wrappers import Response

from localcloud.authorised import Authorised
from localcloud.aws import denials
from localcloud.aws.actions import needs_of
from localcloud.aws.asked import Asked
from localcloud.aws.call_resources import Place
from localcloud.aws.calls import call_of
from localcloud.aws.error_answers import error_answer
from localcloud.aws.moto_seams import Books
from localcloud.aws.needs import Need, UnknownOperation
from localcloud.aws.principals import NotAccepted, Principal, Principals, region_of, signs
from localcloud.aws.s3_needs import S3Request, bucket_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

WITHOUT_CREDENTIALS = ("sts", "AssumeRoleWithWebIdentity")
"""The one call that is not signed: the token in it is all the proof there is."""


class Authorisation:
    """A WSGI application: the one behind it, for whoever may."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._books: Books | None = None
        self._authorised: Authorised

    def begin(self, books: Books, authorised: Authorised) -> None:
        """Asks from now on; before, there are no policies and nobody but us."""
        self._authorised = authorised
        self._books = books

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answering(environ)(environ, start_response)

    def _answering(self, environ: WSGIEnvironment) -> WSGIApplication:
        if self._books is None:
            return self._application
        call = call_of(environ)
        if call == WITHOUT_CREDENTIALS and not signs(environ):
            return self._application
        try:
            principal = Principals(self._books).of(environ)
        except NotAccepted as refused:
            return error_answer(environ, *denials.not_accepted(call.service, refused.fault))
        if principal.is_root:
            return self._application
        return self._as(principal, self._books, environ)

    def _as(self, principal: Principal, books: Books, environ: WSGIEnvironment) -> WSGIApplication:
        call = call_of(environ)
        judge = Judge(books, principal, region_of(environ))
        try:
            if call.service == "s3":
                needs = S3Request(environ).needs()
            else:
                needs = needs_of(call.service, call.operation, Asked(environ), Place(books, judge.region))
        except UnknownOperation as unknown:
            _log.error("nobody has said yet which permission %s needs: localcloud.aws.actions", unknown)
            return error_answer(environ, 501, "NotImplemented", denials.unknown(unknown))
        for need in needs:
            if _nowhere(books, need):
                continue
            result = judge.on(need)
            self._authorised.note(principal, need, result)
            if result.decision != "Allow":
                return error_answer(environ, *denials.not_allowed(call.service, principal, need, judge.why(need)))
        return self._reading(judge, environ) if call.service == "s3" else self._application

    def _reading(self, judge: Judge, environ: WSGIEnvironment) -> WSGIApplication:
        """To who may not list it, S3 does not say that a key is missing."""
        asked = S3Request(environ)
        if asked.method not in ("GET", "HEAD") or not asked.key or asked.subresource:
            return self._application

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            response = Response.from_app(self._application, environ)
            if response.status_code != 404 or not judge.books.has_bucket(asked.bucket):
                return response(environ, start_response)
            listing = asked.listing()
            result = judge.on(listing)
            if result.decision == "Allow":
                self._authorised.note(judge.principal, listing, result)
                return response(environ, start_response)
            refusal = denials.not_allowed("s3", judge.principal, listing, judge.why(listing))
            return error_answer(environ, *refusal)(environ, start_response)

        return answer


class Judge:
    """Decides for one principal in one region."""

    def __init__(self, books: Books, principal: Principal, region: str) -> None:
        self.books = books
        self.principal = principal
        self.region = region

    def on(self, need: Need) -> EvalResult:
        """Allow, Deny or ImplicitDeny, with the Sid of the statement that decided it."""
        who, context = self.principal, self._context(need)
        limits = tuple(who.limits.values())
        result = evaluate(context, list(who.policies), *limits)
        if need.action == "sts:AssumeRole":
            trust = self.books.trust_policy(need.resource)
            return combine_resource_policy(result, context, trust, self.books.account, required=True, limits=limits)
        bucket_policy = self._bucket_policy(need)
        if bucket_policy is None:
            return result
        return combine_resource_policy(result, context, bucket_policy, self.books.account, limits=limits)

    def why(self, need: Need) -> str:
        """Of a need that is not met, the end of AWS's sentence about it."""
        who, context = self.principal, self._context(need)
        layers: Mapping[str, Any] = {"identity-based policy": who.policies, **who.limits}
        alone = {name: evaluate(context, list(layer)).decision for name, layer in layers.items()}
        for name, decision in alone.items():
            if decision == "Deny":
                return f"with an explicit deny in {_a(name)}"
        if need.action == "sts:AssumeRole":
            return ""  # STS does not say whether the trust policy or the caller's own is missing it
        if self.on(need).decision == "Deny":
            return "with an explicit deny in a resource-based policy"
        silent = next((name for name, decision in alone.items() if decision != "Allow"), "identity-based policy")
        return f"because no {silent} allows the {need.action} action"

    def _context(self, need: Need) -> EvalContext:
        who = self.principal
        return EvalContext(
            principal_arn=who.owner_arn,
            principal_type=who.kind,
            principal_account=self.books.account,
            action=need.action,
            resource_arn=need.resource,
            region=self.region,
            source_ip="127.0.0.1",
            # There is no TLS on loopback, and nobody between the two ends whom it would keep out.
            secure_transport=True,
            service_context=dict(need.keys),
            principal_keys=dict(who.keys),
        )

    def _bucket_policy(self, need: Need) -> str | None:
        bucket = bucket_in(need.resource)
        return self.books.bucket_policy(bucket) if bucket else None


def _nowhere(books: Books, need: Need) -> bool:
    """Whether it is about a bucket that is not there: S3 says so to everybody."""
    bucket = bucket_in(need.resource)
    return bool(bucket) and need.action != "s3:CreateBucket" and not books.has_bucket(bucket)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
