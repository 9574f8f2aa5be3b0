"""Handle one event: find the run it is about, let the engine step, and turn its effects into rows."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from bot import engine
from bot.clock import now
from bot.database import row_id
from bot.engine import Flow, FlowError, State
from bot.models import Contact, Conversation, Event, Merchant, Message, Order, Run
from bot.orders import outcomes
from bot.orders.rules import Rules
from bot.services import Services
from bot.talk import handover, runs, start, timers
from bot.talk.apply import Scene, apply, opt_in, opt_out
from bot.talk.buttons import Signer
from bot.talk.facts import facts_of
from bot.talk.hearing import hear, wish
from bot.talk.lookups import answer, promise_of
from bot.talk.messages import append
from bot.talk.proposing import Asking
from bot.talk.replies import reply_of, understood
from bot.text import DEFAULT, locales

log = structlog.get_logger()

WINDOW = timedelta(hours=24)
LOOKUPS = 6
"""More in a row than this is a flow that goes in circles."""
ASKING = ("order_confirmation", "several_orders")


class Handler:
    """Handles the events of one transaction."""

    def __init__(
        self, session: Session, services: Services, flows: Mapping[str, Flow], asking: Asking | None = None
    ) -> None:
        """Begin a transaction's worth of events; with `asking`, handling a message may raise Undecided."""
        self.session = session
        self.asking = asking
        self.flows = flows
        self.shards = services.settings.shards
        self.signer = Signer(services.settings.secret_key)

    def handle(self, event: Event, conversation: Conversation) -> None:
        """Handle one event of a locked conversation."""
        _KINDS[event.kind](self, event, conversation)
        self.session.flush()

    # What shoppers do

    def message(self, event: Event, conversation: Conversation) -> None:
        """Write a shopper's message into the transcript and let it move the run it belongs to."""
        contact = self.session.get_one(Contact, conversation.contact_id)
        said = event.payload
        message = self._transcribe(event, conversation, contact)
        # Whoever writes again is not put aside any longer.
        conversation.snoozed_until = None
        if conversation.owner != "bot":
            conversation.waiting_since = conversation.waiting_since or event.happened_at
            self._heed(event, conversation, contact)
            return
        run, reply = self._heard(conversation, contact, said)
        if run is None:
            if not self._heed(event, conversation, contact):
                self._stranger(conversation, message)
            return
        message.run_id, message.order_id, message.merchant_id = run.id, run.order_id, run.merchant_id
        self._listen(event, conversation, run, reply, message)

    def _heed(self, event: Event, conversation: Conversation, contact: Contact) -> bool:
        """Do what STOP and START ask for where no talk of ours hears them; return whether it was one of them."""
        said = event.payload["text"]
        match said and wish(said, contact.locale or DEFAULT, contact.region, event.happened_at):
            case "opt_out":
                opt_out(self.session, conversation, contact, event.happened_at)
            case "opt_in":
                opt_in(self.session, contact)
            case _:
                return False
        return True

    def _transcribe(self, event: Event, conversation: Conversation, contact: Contact) -> Message:
        said = event.payload
        until = event.happened_at + WINDOW
        if conversation.window_until is None or until > conversation.window_until:
            conversation.window_until = until
        if not contact.name and said["author"]["name"]:
            contact.name = said["author"]["name"][:200]
        extra = {
            name: said[name]
            for name in ("location", "media", "cards", "reaction", "form", "target", "errors")
            if said.get(name)
        }
        return append(
            self.session,
            conversation,
            key=event.key,
            direction="in",
            author="shopper",
            merchant_id=runs.merchant_of(self.session, conversation),
            kind=said["kind"],
            body=said["text"],
            extra=extra,
            quoted_wamid=said["quoted"],
            wamid=said["id"],
            status="received",
            sent_at=event.happened_at,
        )

    def _heard(
        self, conversation: Conversation, contact: Contact, said: dict[str, Any]
    ) -> tuple[Run | None, engine.Replied]:
        """Find the run that a message belongs to, and what it says apart from its words."""
        if said["tap"] and said["tap"]["payload"].startswith(handover.AGENT_BUTTON):
            # An agent's button belongs to no run: what stands on it is what the shopper says.
            said = {**said, "kind": "text", "tap": None}
        if said["tap"]:
            tap = self.signer.read_button(said["tap"]["payload"])
            run = self.session.get(Run, tap.run_id) if tap else None
            if tap is not None and run is not None and run.conversation_id == conversation.id:
                runs.arrived(self.session, tap)
                return run, engine.Replied(choice=tap.choice, turn=tap.turn, text=said["text"])
            log.warning("tap.forged", conversation=conversation.id)
            return runs.open_run(self.session, conversation), engine.Replied(media=engine.Media("unknown"))
        target = (said["reaction"] or {}).get("target") or said["quoted"]
        quoted = runs.quoted(self.session, conversation, target)
        reply = reply_of(said, quoted, contact.region)
        if quoted is not None and quoted.run_id is not None:
            return self.session.get_one(Run, quoted.run_id), reply
        return runs.open_run(self.session, conversation), reply

    def _listen(
        self, event: Event, conversation: Conversation, run: Run, reply: engine.Replied, message: Message
    ) -> None:
        scene = self._scene(event, conversation, run, is_reply=True)
        scene.wamid = event.payload["id"]
        if run.status in ("planned", "queued"):
            # The shopper spoke before we did: the question is the answer.
            self._begin(scene)
            return
        flow = self._flow(run)
        if flow is not None and reply.choice is None and reply.text and reply.media is None:
            facts = self._facts(scene)
            second = self.asking.about(event) if self.asking else None
            reply = hear(flow, self._state(run, flow), facts, reply, second)
            message.extra = {**message.extra, "understood": understood(reply)}
            if reply.acts:
                scene.confidence = min(act.confidence for act in reply.acts)
        self._advance(scene, reply)

    def _stranger(self, conversation: Conversation, message: Message) -> None:
        """Nobody we have an order of: a person looks at it."""
        if message.merchant_id is not None:
            handover.call_agent(self.session, conversation, "no_order", merchant_id=message.merchant_id)

    # What time, agents, merchants and Meta do

    def started(self, event: Event, conversation: Conversation) -> None:
        """Begin a planned run, or let it wait its turn."""
        run = self.session.get_one(Run, event.payload["run_id"])
        if run.status == "planned":
            self._begin(self._scene(event, conversation, run))

    def silence(self, event: Event, conversation: Conversation) -> None:
        """Let a run know that nobody answered."""
        run = self.session.get_one(Run, event.payload["run_id"])
        if run.status == "waiting" and conversation.owner == "bot":
            self._advance(
                self._scene(event, conversation, run), engine.Silence(event.payload["turn"], event.payload["nth"])
            )

    def released(self, event: Event, conversation: Conversation) -> None:
        """Take a conversation up again after an agent."""
        if conversation.owner != "bot":
            return
        interrupted = self.session.execute(
            select(Run)
            .where(col(Run.conversation_id) == conversation.id, col(Run.status).in_(("waiting", "handed_over")))
            .order_by(col(Run.id).desc())
        ).scalars()
        for run in list(interrupted):
            # Only the newest question is asked again; older ones that were handed over are settled.
            to = event.payload["to"]
            self._take_up(self._scene(event, conversation, run), to)
            if to == "bot":
                break
        self._promote(conversation, event.key, event.happened_at)

    def changed(self, event: Event, conversation: Conversation) -> None:
        """Let a run know that another hand changed its order."""
        run = self.session.get_one(Run, event.payload["run_id"])
        if run.status in ("planned", "queued"):
            if event.payload["what"] != "details":
                run.status, run.ended_at = "dropped", event.happened_at
                timers.disarm(self.session, row_id(run), run.turn + 1)
        elif run.status == "waiting":
            self._advance(self._scene(event, conversation, run), engine.Changed(event.payload["what"]))

    def undeliverable(self, event: Event, conversation: Conversation) -> None:
        """Let the flow decide what follows from a prompt that cannot reach the shopper."""
        run = self.session.get_one(Run, event.payload["run_id"])
        if run.status == "waiting" and run.turn == event.payload["turn"]:
            self._advance(self._scene(event, conversation, run), engine.Undeliverable(event.payload["code"]))

    def preference(self, event: Event, conversation: Conversation) -> None:
        """Note a wish about marketing; we send none, but people should know."""
        conversation.data = {**conversation.data, f"preference_{event.payload['category']}": event.payload["value"]}

    # How a run moves

    def _begin(self, scene: Scene) -> None:
        run, order, conversation = scene.run, scene.order, scene.conversation
        timers.disarm(self.session, row_id(run), 1)
        if run.flow in ASKING and order.intent not in ("unasked", "asked"):
            run.status, run.ended_at = "dropped", scene.at
            return
        if scene.contact.opted_out_at is not None and not scene.is_reply:
            if run.flow in ASKING:
                outcomes.record(self.session, order, by="rule", at=scene.at, intent="opted_out")
            run.status, run.ended_at = "dropped", scene.at
            return
        if conversation.owner != "bot" or runs.waiting(self.session, conversation) is not None:
            run.status = "queued"
            return
        if run.flow == "order_confirmation" and "several_orders" in self.flows:
            scene.run = run = runs.together(self.session, run, scene.at)
        if run.state:
            self._take_up(scene, "bot")
        else:
            self._advance(scene, engine.Started())

    def _take_up(self, scene: Scene, to: str) -> None:
        """Go on with a run that was interrupted: the open question is asked again, or the run is over."""
        run = scene.run
        if run.state.get("status") == "waiting":
            # To the engine it was handed over when somebody else began to speak.
            run.state = {**run.state, "status": "handed_over", "resume": run.state["step"]}
        self._advance(scene, engine.Released(to))

    def _advance(self, scene: Scene, event: engine.Event) -> None:
        """Step until nothing is looked up any more; keep the state; let the next run begin when this one ends."""
        run = scene.run
        flow = self._flow(run)
        if flow is None:
            self._fail(scene, "version_gone")
            return
        state = self._state(run, flow)
        try:
            for _ in range(LOOKUPS):
                facts = self._facts(scene)
                transition = engine.step(flow, state, event, facts)
                state = transition.state
                self._make_room(scene, state)
                self._keep(run, state, scene.at)
                questions = [effect for effect in transition.effects if isinstance(effect, engine.LookUp)]
                for effect in transition.effects:
                    if not isinstance(effect, engine.LookUp):
                        apply(scene, effect)
                if not questions:
                    break
                promise = promise_of(Rules.from_json(scene.merchant.rules), scene.order, facts.now)
                event = engine.Found(questions[0].kind, answer(questions[0].kind, questions[0].query, promise))
            else:
                raise FlowError(f"{flow.name}.{state.step} looks up without end")
        except FlowError as error:
            log.error("flow.error", flow=run.flow, step=run.step, error=str(error))
            self._fail(scene, "flow_error")
        if run.status != "waiting":
            self._promote(scene.conversation, scene.cause, scene.at, pause=scene.sent > 0)

    def _make_room(self, scene: Scene, state: State) -> None:
        """When a finished run is reopened, the one that waits goes back into the queue."""
        if state.status != "waiting" or scene.run.status == "waiting":
            return
        other = runs.waiting(self.session, scene.conversation)
        if other is not None and other.id != scene.run.id:
            other.status = "queued"
            self.session.flush()

    def _keep(self, run: Run, state: State, at: datetime) -> None:
        run.state, run.step, run.turn, run.version = state.to_json(), state.step, state.turn, state.version
        run.status, run.updated_at = state.status, at
        run.ended_at = None if state.status == "waiting" else run.ended_at or at
        self.session.flush()

    def _fail(self, scene: Scene, reason: str) -> None:
        scene.run.status, scene.run.ended_at = "handed_over", scene.at
        handover.call_agent(
            self.session,
            scene.conversation,
            reason,
            merchant_id=row_id(scene.merchant),
            run=scene.run,
            detail={"step": scene.run.step},
        )

    def _promote(self, conversation: Conversation, cause: str, at: datetime, *, pause: bool = False) -> None:
        """Begin the run that has waited longest, when nothing else is open; after a pause where a bubble just went."""
        if conversation.owner != "bot" or runs.waiting(self.session, conversation) is not None:
            return
        run = runs.next_queued(self.session, conversation)
        if run is not None and pause:
            start.postpone(self.session, run, at + start.PAUSE)
        elif run is not None:
            self._begin(self._scene_of(conversation, run, cause=cause, at=at, is_reply=False))

    # Rows

    def _scene(self, event: Event, conversation: Conversation, run: Run, *, is_reply: bool = False) -> Scene:
        return self._scene_of(conversation, run, cause=event.key, at=max(event.happened_at, now()), is_reply=is_reply)

    def _scene_of(self, conversation: Conversation, run: Run, *, cause: str, at: datetime, is_reply: bool) -> Scene:
        return Scene(
            session=self.session,
            signer=self.signer,
            conversation=conversation,
            contact=self.session.get_one(Contact, conversation.contact_id),
            merchant=self.session.get_one(Merchant, run.merchant_id),
            run=run,
            order=self.session.get_one(
                Order, run.order_id, with_for_update={"key_share": True}, populate_existing=True
            ),
            cause=cause,
            is_reply=is_reply,
            at=at,
            shards=self.shards,
        )

    def _facts(self, scene: Scene) -> engine.Facts:
        return facts_of(
            self.session,
            scene.run,
            scene.order,
            scene.merchant,
            scene.contact,
            locales=frozenset(locales()),
            at=scene.at,
        )

    def _flow(self, run: Run) -> Flow | None:
        flow = self.flows.get(run.flow)
        if flow is None or (run.state and run.state.get("version") != flow.version):
            return None
        return flow

    @staticmethod
    def _state(run: Run, flow: Flow) -> State:
        return State.from_json(run.state) if run.state else engine.start(flow)


_KINDS: dict[str, Callable[[Handler, Event, Conversation], None]] = {
    "message": Handler.message,
    "started": Handler.started,
    "silence": Handler.silence,
    "released": Handler.released,
    "changed": Handler.changed,
    "undeliverable": Handler.undeliverable,
    "preference": Handler.preference,
}
