//! Readiness witnesses: a predicate was true when one was issued, and exactly one step that requires it consumes it.
//!
//! INVARIANT (once): an entry goes from waiting to an end and never back; its number is not given out again, because a
//! place that is used anew has a higher generation.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    Capability, Code, Readiness, Refused, SessionId,
    audit::{Kind, Record, SessionRef, Verdict},
    block::{self, Head, Words},
    handle::Roles,
    judge::{Given, faulted},
    own::{EACH, together},
    step::{Asker, Miss},
    store::{Keep, Rest, Store},
};
use crate::{data::Value, id::RoleId, protocol::PredicateBody};

/// What became of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    Consumed,
    /// The generation of its roles moved on, or its role took another step.
    Stale,
    Expired,
}

/// A witness that was issued.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    pub(super) session: SessionId,
    pub(super) roles: Roles,
    pub(super) stamp: u32,
    /// Of the plan's predicates.
    pub(super) predicate: usize,
    pub(super) args: SmallVec<[Value; 2]>,
    pub(super) until: Option<i64>,
    /// It dies at the next step of any of its roles.
    pub(super) brief: bool,
    pub(super) fate: Fate,
    /// Which witness of this place it is.
    generation: u32,
}

impl Witness {
    /// Whether it dies at the next step of some roles.
    fn dies_of(&self, roles: &[RoleId]) -> bool {
        self.brief && roles.iter().any(|&role| self.roles.contains(role))
    }
}

/// All witnesses.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    entries: Vec<Witness>,
    free: Vec<u32>,
    /// Those of a session that wait.
    of: FxHashMap<u32, SmallVec<[u32; 4]>>,
    pub(super) waiting: usize,
}

/// The witnesses that a step will consume, in the order in which it requires them: their places, and their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Use(SmallVec<[(u32, u64); 1]>);

impl Use {
    /// The number of the first, which the record of the step names; 0 if there is none.
    #[inline]
    pub(super) fn first(&self) -> u64 {
        self.0.first().map_or(0, |&(_, number)| number)
    }

    /// The others, which have records of their own.
    fn others(&self) -> &[(u32, u64)] {
        self.0.get(1..).unwrap_or_default()
    }

    pub(super) fn numbers(&self) -> Numbers {
        self.0.iter().map(|&(_, number)| number).collect()
    }

    fn has(&self, at: u32) -> bool {
        self.0.iter().any(|&(one, _)| one == at)
    }
}

/// Numbers of witnesses.
pub(super) type Numbers = SmallVec<[u64; 2]>;

/// What a step brings.
#[derive(Clone, Copy)]
pub(super) enum Brought<'a> {
    Handles(&'a [&'a Readiness]),
    /// The witnesses of an offer.
    Numbers(&'a [u64]),
}

impl Brought<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Handles(handles) => handles.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// The number of one, for an asker of a store.
    fn number(&self, at: usize, store: u32) -> Result<u64, Code> {
        match self {
            Self::Handles(handles) => match handles.get(at) {
                None => Err(Code::WitnessMissing),
                Some(witness) if witness.store != store => Err(Code::Foreign),
                Some(witness) => Ok(witness.number),
            },
            Self::Numbers(numbers) => numbers.get(at).copied().ok_or(Code::WitnessMissing),
        }
    }
}

impl Witnesses {
    /// A new one; its number is never 0.
    pub(super) fn issue(&mut self, mut witness: Witness) -> u64 {
        let slot = witness.session.slot;
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(entry) = self.entries.get_mut(at as usize) {
                    witness.generation = entry.generation.wrapping_add(1);
                    *entry = witness;
                }
                at
            }
            None => {
                let at = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
                self.entries.push(witness);
                at
            }
        };
        self.of.entry(slot).or_default().push(at);
        self.waiting = self.waiting.saturating_add(1);
        self.number(at)
    }

    fn number(&self, at: u32) -> u64 {
        let generation = self.entries.get(at as usize).map_or(0, |entry| entry.generation);
        (u64::from(generation) << 32) | u64::from(at.wrapping_add(1))
    }

    fn place(number: u64) -> Option<(u32, u32)> {
        Some(((number as u32).checked_sub(1)?, (number >> 32) as u32))
    }

    /// The witness of a number, if it waits; else what became of it.
    pub(super) fn find(&self, number: u64) -> Result<(u32, &Witness), Code> {
        let (at, generation) = Self::place(number).ok_or(Code::WitnessUnknown)?;
        let entry = self.entries.get(at as usize).ok_or(Code::WitnessUnknown)?;
        if entry.generation != generation {
            // The place was used anew, so this one had come to its end.
            return Err(Code::WitnessConsumed);
        }
        match entry.fate {
            Fate::Waiting => Ok((at, entry)),
            Fate::Consumed => Err(Code::WitnessConsumed),
            Fate::Stale => Err(Code::WitnessStale),
            Fate::Expired => Err(Code::WitnessExpired),
        }
    }

    /// One comes to its end; whether others of its session still wait.
    fn end(&mut self, at: u32, fate: Fate) -> bool {
        let Some(entry) = self.entries.get_mut(at as usize) else { return false };
        entry.fate = fate;
        entry.args = SmallVec::new();
        let slot = entry.session.slot;
        // A place whose generations are used up is not used again.
        if entry.generation != u32::MAX {
            self.free.push(at);
        }
        self.waiting = self.waiting.saturating_sub(1);
        // An empty list stays until its session is gone: there is mostly a next witness.
        let Some(list) = self.of.get_mut(&slot) else { return false };
        if let Some(place) = list.iter().position(|one| *one == at) {
            list.remove(place);
        }
        !list.is_empty()
    }

    /// A session is gone, and none of its witnesses waits.
    pub(super) fn forget(&mut self, slot: u32) {
        if !self.of.is_empty() {
            self.of.remove(&slot);
        }
    }

    /// Those of a session that wait and satisfy a condition.
    pub(super) fn waiting(&self, slot: u32, which: impl Fn(&Witness) -> bool) -> SmallVec<[(u32, u64); 4]> {
        let list = self.of.get(&slot).map_or(&[][..], |list| list);
        let named = |&at: &u32| which(self.entries.get(at as usize)?).then(|| (at, self.number(at)));
        list.iter().filter_map(named).collect()
    }

    /// How many records it takes when those of a session end: all, or those with one stamp.
    pub(super) fn ending(&self, slot: u32, stamp: Option<u32>) -> usize {
        together(self.count(slot, |_, one| stamp.is_none_or(|stamp| one.stamp == stamp)))
    }

    /// How many of a session wait and satisfy a condition.
    fn count(&self, slot: u32, which: impl Fn(u32, &Witness) -> bool) -> usize {
        if self.waiting == 0 {
            return 0;
        }
        let list = self.of.get(&slot).map_or(&[][..], |list| list);
        list.iter().filter(|&&at| self.entries.get(at as usize).is_some_and(|one| which(at, one))).count()
    }

    /// How many records, beside that of the step, the witnesses take that a step of some roles uses, and that die of it.
    pub(super) fn stepping(&self, slot: u32, roles: &[RoleId], used: &Use) -> usize {
        let dying = together(self.count(slot, |at, one| !used.has(at) && one.dies_of(roles)));
        dying.saturating_add(used.others().len())
    }

    /// Those that die at the next step of some roles.
    fn dying(&self, slot: u32, roles: &[RoleId]) -> SmallVec<[(u32, u64); 4]> {
        self.waiting(slot, |one| one.dies_of(roles))
    }

    /// Sessions with waiting witnesses that have a time, and that time.
    pub(super) fn timed(&self, session: SessionId) -> impl Iterator<Item = (u32, i64)> + '_ {
        let list = self.of.get(&session.slot).map_or(&[][..], |list| list);
        list.iter().filter_map(|&at| Some((at, self.entries.get(at as usize)?.until?)))
    }

    /// Bytes, as allocated.
    pub(super) fn bytes(&self) -> usize {
        let entries = self.entries.capacity().saturating_mul(std::mem::size_of::<Witness>());
        let lists =
            self.of.capacity().saturating_mul(std::mem::size_of::<(u32, SmallVec<[u32; 4]>)>().saturating_add(1));
        entries.saturating_add(self.free.capacity().saturating_mul(4)).saturating_add(lists)
    }
}

/// What a witness of a step must be for.
pub(super) struct Matched<'a> {
    /// Who steps.
    pub(super) role: RoleId,
    pub(super) predicate: usize,
    pub(super) args: &'a [Value],
    /// The predicate, asked again, is true.
    pub(super) again: bool,
    pub(super) now: i64,
}

impl Rest {
    /// The next of the witnesses that a step brings, if it is for what it must be for, and still good.
    #[inline(always)]
    pub(super) fn match_next<W: Words + ?Sized>(
        &self,
        words: &W,
        asker: Asker<'_>,
        asked: &Matched<'_>,
        brought: Brought<'_>,
        used: &mut Use,
    ) -> Result<(), Miss> {
        let number = brought.number(used.0.len(), asker.cap.store)?;
        let (at, entry) = self.witnesses.find(number)?;
        if used.has(at) {
            // By what stands before in the same message.
            return Err(Code::WitnessConsumed.into());
        }
        let fits = entry.session == asker.cap.session
            && entry.predicate == asked.predicate
            && entry.args[..] == *asked.args
            && entry.roles.contains(asked.role);
        if !fits {
            return Err(Code::WitnessMismatch.into());
        }
        good(words, entry, asked.role, asked.now)?;
        if !asked.again {
            return Err(Code::WitnessFalse.into());
        }
        used.0.push((at, number));
        Ok(())
    }

    /// All that was required is there; nothing else may be.
    #[inline(always)]
    pub(super) fn match_all(brought: Brought<'_>, used: Use) -> Result<Use, Miss> {
        if brought.len() > used.0.len() { Err(Code::WitnessMismatch.into()) } else { Ok(used) }
    }

    /// Whether the witnesses of an offer are still good when it is taken.
    pub(super) fn still_good<W: Words + ?Sized>(
        &self,
        words: &W,
        role: RoleId,
        numbers: &[u64],
        now: i64,
    ) -> Result<Use, Miss> {
        let mut used = Use::default();
        for &number in numbers {
            let (at, entry) = self.witnesses.find(number)?;
            good(words, entry, role, now)?;
            used.0.push((at, number));
        }
        Ok(used)
    }

    /// A step of some roles is taken, and consumes its witnesses; those that lived until the next step of any of them are
    /// invalidated.
    pub(super) fn use_witness<W: Words + ?Sized>(
        &mut self,
        words: &mut W,
        asker: Asker<'_>,
        roles: &[RoleId],
        consumed: &Use,
        now: i64,
    ) {
        let mut head = Head::read(words);
        if head.flags & block::WITNESSED == 0 {
            return;
        }
        let mut left = true;
        for &(at, _) in &consumed.0 {
            left = self.witnesses.end(at, Fate::Consumed);
        }
        for &(_, number) in consumed.others() {
            self.note(asker, Kind::Readiness, Verdict::Consumed, number, now);
        }
        let slot = asker.cap.session.slot;
        let brief = if left { self.witnesses.dying(slot, roles) } else { SmallVec::new() };
        let each = brief.len() <= EACH;
        for &(at, number) in &brief {
            left = self.witnesses.end(at, Fate::Stale);
            if each {
                self.note(asker, Kind::Readiness, Verdict::Invalidated, number, now);
            }
        }
        if !each {
            self.ended(asker.cap.session, brief.len(), now);
        }
        if !left {
            head.flags &= !block::WITNESSED;
            head.write(words);
        }
    }

    /// Witnesses of a session come to their end: all, or those with one stamp.
    pub(super) fn end_witnesses<W: Words + ?Sized>(
        &mut self,
        words: &mut W,
        session: SessionId,
        stamp: Option<u32>,
        now: i64,
    ) {
        let mut head = Head::read(words);
        if head.flags & block::WITNESSED == 0 {
            return;
        }
        let mut left = true;
        let ending = self.witnesses.waiting(session.slot, |one| stamp.is_none_or(|stamp| one.stamp == stamp));
        let each = ending.len() <= EACH;
        for &(at, number) in &ending {
            left = self.witnesses.end(at, Fate::Stale);
            if each {
                let of = SessionRef { slot: session.slot, generation: session.generation };
                let record =
                    Record { time: now, witness: number, ..Record::new(of, Kind::Readiness, Verdict::Invalidated) };
                self.audit.accepted(record);
                self.entry(session.slot);
            }
        }
        if !each {
            self.ended(session, ending.len(), now);
        }
        if !left {
            head.flags &= !block::WITNESSED;
            head.write(words);
        }
    }

    /// So many witnesses ended at once.
    fn ended(&mut self, session: SessionId, count: usize, now: i64) {
        let of = SessionRef { slot: session.slot, generation: session.generation };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.audit.accepted(Record { time: now, count, ..Record::new(of, Kind::Readiness, Verdict::Invalidated) });
        self.entry(session.slot);
    }

    /// A witness is past its time.
    pub(super) fn expire_witness<W: Words + ?Sized>(&mut self, words: &mut W, session: SessionId, at: u32, now: i64) {
        let number = self.witnesses.number(at);
        if !self.witnesses.end(at, Fate::Expired) {
            let mut head = Head::read(words);
            head.flags &= !block::WITNESSED;
            head.write(words);
        }
        let of = SessionRef { slot: session.slot, generation: session.generation };
        self.audit.accepted(Record {
            time: now,
            witness: number,
            ..Record::new(of, Kind::Readiness, Verdict::Expired)
        });
        self.entry(session.slot);
    }

    /// A record about an authority.
    pub(super) fn note(&mut self, asker: Asker<'_>, kind: Kind, verdict: Verdict, number: u64, now: i64) {
        let session = asker.cap.session;
        let of = SessionRef { slot: session.slot, generation: session.generation };
        let record = Record {
            time: now,
            witness: number,
            generation: asker.cap.stamp,
            plan: asker.number,
            ..Record::new(of, kind, verdict)
        };
        self.audit.accepted(record);
        self.entry(session.slot);
    }
}

/// Whether a witness is of the generation of its roles, and not past its time.
#[inline(always)]
fn good<W: Words + ?Sized>(words: &W, entry: &Witness, role: RoleId, now: i64) -> Result<(), Code> {
    if block::generation(words, role) != entry.stamp {
        return Err(Code::WitnessStale);
    }
    if entry.until.is_some_and(|until| now > until) { Err(Code::WitnessExpired) } else { Ok(()) }
}

impl Store {
    /// Issues a witness that a predicate holds of some arguments, for one step of the roles of a capability that requires
    /// it. Without a time, the witness of an extern predicate dies at the next step of any of its roles.
    ///
    /// # Errors
    ///
    /// As for a step, for session and capability; the capability covers no step that requires the predicate; the
    /// specification names no such predicate; arguments that do not fit; the predicate is false.
    pub fn issue_readiness(
        &mut self,
        capability: &Capability,
        predicate: &str,
        args: &[Value],
        until: Option<i64>,
    ) -> Result<Readiness, Refused> {
        let id = capability.session;
        match self.try_issue(capability, predicate, args, until) {
            Ok(readiness) => Ok(readiness),
            Err(miss) => {
                let refused = Refused::with(miss.code, miss.detail.map(|detail| *detail).unwrap_or_default());
                Err(self.rejected(id, capability.stamp, Kind::Readiness, refused))
            }
        }
    }

    fn try_issue(
        &mut self,
        capability: &Capability,
        name: &str,
        args: &[Value],
        until: Option<i64>,
    ) -> Result<Readiness, Miss> {
        let id = capability.session;
        if capability.store != self.id {
            return Err(Code::Foreign.into());
        }
        let (page, place) = self.pages.place(id).ok_or(Code::UnknownSession)?;
        let asker = Asker { cap: capability, number: page.number };
        let (plan, block) = page.split(place);
        super::step::alive(Head::read(block), id, true)?;
        for role in capability.roles.iter() {
            super::step::covers(block, &plan.0, capability, role)?;
        }
        let number = plan.predicate(name).ok_or(Code::NoPredicate)?;
        let needed = plan.requiring(number).any(|role| capability.roles.contains(role));
        if !needed {
            return Err(Code::OutOfScope.into());
        }
        let predicate = plan.0.header.predicates.get(number).ok_or(Code::NoPredicate)?;
        if args.len() != predicate.params.len() {
            let text = format!("{} arguments were given for {} parameters", args.len(), predicate.params.len());
            return Err(Miss::with(Code::Payload, super::refuse::Detail::Text(text.into())));
        }
        let now = block::now(block);
        let env = Given { args, now, externs: &*self.rest.externs };
        for ((_, sort), value) in predicate.params.iter().zip(args) {
            crate::data::fits(sort, value, &env)
                .map_err(|misfit| Miss::with(Code::Payload, super::refuse::Detail::Misfit(misfit)))?;
        }
        let (holds, brief) = match &predicate.body {
            PredicateBody::Def(code) => (code.holds(&env).map_err(faulted)?, false),
            PredicateBody::Extern(id) => (self.rest.externs.ask(*id, args) == Some(true), until.is_none()),
        };
        if !holds {
            return Err(Code::PredicateFalse.into());
        }
        if until.is_some_and(|until| until < now) {
            return Err(Code::Past.into());
        }
        if !self.rest.audit.has_room(1) {
            return Err(Code::AuditFull.into());
        }
        let issued = self.rest.witnesses.issue(Witness {
            session: id,
            roles: capability.roles.clone(),
            stamp: capability.stamp,
            predicate: number,
            args: args.into(),
            until,
            brief,
            fate: Fate::Waiting,
            generation: 0,
        });
        let head = Head::read(block);
        Head { flags: head.flags | block::WITNESSED, ..head }.write(block);
        self.rest.note(asker, Kind::Readiness, Verdict::Issued, issued, now);
        if until.is_some() {
            self.arm(id);
        }
        Ok(Readiness { store: self.id, session: id, number: issued })
    }
}
