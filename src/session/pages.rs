//! Where sessions are: pages of slots of one plan each, with a hot block and a cold one per slot.
//!
//! A slot's number says its page, so a session is found by one look at a small table and lies in one line. Slots are
//! used again after reaping, under the next generation; a slot whose generations are used up is retired.

use super::{
    OpenPlan, SessionId,
    block::{Head, Line},
};

/// Slots of a page, as bits of a slot's number.
const PAGE: u32 = 10;
const SLOTS: u32 = 1 << PAGE;
/// The number that links nothing.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of a session besides its hot block; at most 64 bytes.
#[derive(Clone, Debug)]
pub(super) struct Cold {
    pub(super) opened: i64,
    pub(super) closed: i64,
    /// Records in the audit that are no steps.
    pub(super) records: u32,
    /// Changes of status.
    pub(super) epoch: u32,
    /// The last generation that was given to a role.
    pub(super) stamp: u32,
    /// The first claim.
    pub(super) claims: u32,
    /// The number of its tree.
    pub(super) tree: u32,
    /// How often a session was opened here before.
    pub(super) generation: u32,
}

impl Cold {
    pub(super) fn new(at: i64, generation: u32) -> Self {
        Self { opened: at, closed: 0, records: 0, epoch: 0, stamp: 0, claims: NONE, tree: NONE, generation }
    }
}

/// Slots of one plan.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) plan: OpenPlan,
    /// The plan's number in this store.
    pub(super) number: u32,
    /// Lines of a block.
    stride: usize,
    lines: Vec<Line>,
    pub(super) cold: Vec<Cold>,
}

impl Page {
    /// The hot block at a place.
    #[inline]
    pub(super) fn block(&self, at: usize) -> &[Line] {
        let from = at.wrapping_mul(self.stride);
        self.lines.get(from..from.wrapping_add(self.stride)).unwrap_or(&[])
    }

    /// The plan, and the hot block at a place.
    #[inline]
    pub(super) fn split(&mut self, at: usize) -> (&OpenPlan, &mut [Line]) {
        let from = at.wrapping_mul(self.stride);
        (&self.plan, self.lines.get_mut(from..from.wrapping_add(self.stride)).unwrap_or(&mut []))
    }

    /// The plan, and the line at a place, if blocks are one line each.
    #[inline(always)]
    pub(super) fn line(&mut self, at: usize) -> Option<(&OpenPlan, &mut Line)> {
        if self.stride != 1 {
            return None;
        }
        Some((&self.plan, self.lines.get_mut(at)?))
    }

    /// The hot block and the cold one at a place.
    #[inline]
    pub(super) fn both(&mut self, at: usize) -> Option<(&mut [Line], &mut Cold)> {
        let from = at.wrapping_mul(self.stride);
        Some((self.lines.get_mut(from..from.wrapping_add(self.stride))?, self.cold.get_mut(at)?))
    }

    /// The plan with both blocks at a place.
    pub(super) fn all(&mut self, at: usize) -> Option<(&OpenPlan, &mut [Line], &mut Cold)> {
        let from = at.wrapping_mul(self.stride);
        let lines = self.lines.get_mut(from..from.wrapping_add(self.stride))?;
        Some((&self.plan, lines, self.cold.get_mut(at)?))
    }

    /// The hot block at a place, to be changed.
    #[inline]
    pub(super) fn block_mut(&mut self, at: usize) -> &mut [Line] {
        let from = at.wrapping_mul(self.stride);
        self.lines.get_mut(from..from.wrapping_add(self.stride)).unwrap_or(&mut [])
    }
}

/// The slots of a plan that may be used.
#[derive(Debug, Default)]
struct Room {
    /// The page that is being filled.
    page: Option<u32>,
    /// Slots of reaped sessions.
    free: Vec<u32>,
}

/// All slots.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pages: Vec<Option<Page>>,
    rooms: Vec<Room>,
    /// The number of the first page, for stores that share the numbers of slots.
    base: u32,
    /// How many slots there may be.
    span: u32,
    most: u32,
    /// Sessions that were opened and are not reaped.
    used: u32,
    /// The highest id that was given out, as a number; 0 is none.
    highest: u64,
    /// Bytes of blocks, as allocated.
    pub(super) bytes: usize,
}

impl Pages {
    /// So many slots from `first` on, which begins a page, and so many sessions at most.
    pub(super) fn new(first: u32, span: u32, most: u32) -> Self {
        Self { base: first >> PAGE, span, most, ..Self::default() }
    }

    /// Where the page of a slot is; beyond all, if it is of another store.
    #[inline]
    fn index(&self, slot: u32) -> u32 {
        (slot >> PAGE).wrapping_sub(self.base)
    }

    /// The number of a slot.
    fn slot(&self, page: u32, place: u32) -> Option<u32> {
        self.base.checked_add(page)?.checked_mul(SLOTS)?.checked_add(place)
    }

    /// Whether it may be used at all.
    fn is_beyond(&self, slot: u32) -> bool {
        // A table of pages far beyond what the store may hold is not made for the asking.
        let last = self.pages.len().saturating_add((self.most >> PAGE) as usize).saturating_add(4);
        slot.checked_sub(self.base << PAGE).is_none_or(|at| at >= self.span || (at >> PAGE) as usize > last)
    }

    /// The page and place of a session, if its slot is one.
    #[inline]
    pub(super) fn place(&mut self, session: SessionId) -> Option<(&mut Page, usize)> {
        let index = self.index(session.slot) as usize;
        let page = self.pages.get_mut(index)?.as_mut()?;
        Some((page, (session.slot & (SLOTS - 1)) as usize))
    }

    /// The same, to look.
    #[inline]
    pub(super) fn look(&self, session: SessionId) -> Option<(&Page, usize)> {
        let page = self.pages.get(self.index(session.slot) as usize)?.as_ref()?;
        Some((page, (session.slot & (SLOTS - 1)) as usize))
    }

    /// Reads the first word of a session's block, so that the next look finds it near.
    #[inline]
    pub(super) fn touch(&self, session: SessionId) -> u64 {
        self.look(session).map_or(0, |(page, at)| match page.block(at) {
            [first, ..] => super::block::Words::word(first, 0),
            [] => 0,
        })
    }

    /// The first id above all that were given out under which a session of a plan could be opened.
    pub(super) fn next(&self, number: u32) -> SessionId {
        let after = match self.highest {
            0 => self.base.checked_mul(SLOTS),
            highest => SessionId::from_u64(highest).slot.checked_add(1),
        };
        // Pages are of one plan each.
        let usable = |slot: &u32| {
            let page = self.pages.get(self.index(*slot) as usize).and_then(Option::as_ref);
            page.is_none_or(|page| page.number == number)
        };
        let beyond = || u32::try_from(self.pages.len()).ok().and_then(|page| self.slot(page, 0)).unwrap_or(u32::MAX);
        SessionId { slot: after.filter(usable).unwrap_or_else(beyond), generation: 1 }
    }

    fn page(&mut self, at: u32, plan: &OpenPlan, number: u32) -> Option<&mut Page> {
        let at = at as usize;
        if self.pages.len() <= at {
            let before = self.pages.capacity();
            self.pages.resize_with(at.checked_add(1)?, || None);
            self.grew(self.pages.capacity().saturating_sub(before), std::mem::size_of::<Option<Page>>());
        }
        let stride = plan.0.block.len();
        let fresh = || Page { plan: plan.clone(), number, stride, lines: Vec::new(), cold: Vec::new() };
        Some(self.pages.get_mut(at)?.get_or_insert_with(fresh))
    }

    fn grew(&mut self, by: usize, size: usize) {
        self.bytes = self.bytes.saturating_add(by.saturating_mul(size));
    }

    /// A fresh session of a plan, or none if there is no room.
    pub(super) fn open(&mut self, plan: &OpenPlan, number: u32, at: i64) -> Option<SessionId> {
        if self.is_full() {
            return None;
        }
        while self.rooms.len() <= number as usize {
            self.rooms.push(Room::default());
        }
        let room = self.rooms.get_mut(number as usize)?;
        if let Some(slot) = room.free.pop() {
            return self.again(plan, slot, at);
        }
        let full = |page: &Page| page.cold.len() >= SLOTS as usize;
        let current = room
            .page
            .filter(|&at| self.pages.get(at as usize).and_then(Option::as_ref).is_some_and(|page| !full(page)));
        let page = match current {
            Some(page) => page,
            None => u32::try_from(self.pages.len()).ok()?,
        };
        if let Some(room) = self.rooms.get_mut(number as usize) {
            room.page = Some(page);
        }
        let used = self.pages.get(page as usize).and_then(Option::as_ref).map_or(0, |page| page.cold.len());
        let slot = self.slot(page, u32::try_from(used).ok()?)?;
        self.begin(plan, number, SessionId { slot, generation: 1 }, at)
    }

    /// A session under an id that is above all that were given out, in a slot of its plan or of none.
    pub(super) fn open_at(&mut self, plan: &OpenPlan, number: u32, id: SessionId, at: i64) -> Option<SessionId> {
        if id.generation == 0 || id.to_u64() <= self.highest || self.is_beyond(id.slot) {
            return None;
        }
        while self.rooms.len() <= number as usize {
            self.rooms.push(Room::default());
        }
        let (at_page, offset) = (self.index(id.slot), (id.slot & (SLOTS - 1)) as usize);
        if let Some(Some(known)) = self.pages.get(at_page as usize) {
            if known.number != number {
                return None;
            }
            if let Some(cold) = known.cold.get(offset) {
                let used = cold.generation;
                let room = self.rooms.get_mut(number as usize)?;
                let place = room.free.iter().position(|&slot| slot == id.slot)?;
                if id.generation <= used {
                    return None;
                }
                room.free.swap_remove(place);
                let (page, place) = self.place(id)?;
                page.cold.get_mut(place)?.generation = id.generation.checked_sub(1)?;
                return self.again(plan, id.slot, at);
            }
        }
        // What is passed over may be used later.
        let page = self.page(at_page, plan, number)?;
        let mut passed = Vec::new();
        while page.cold.len() < offset {
            passed.push(u32::try_from(page.cold.len()).ok()?);
            page.cold.push(Cold::new(0, 0));
            page.lines.extend_from_slice(&vec![Line::default(); page.stride]);
        }
        let passed: Vec<u32> = passed.into_iter().filter_map(|place| self.slot(at_page, place)).collect();
        let room = self.rooms.get_mut(number as usize)?;
        room.free.extend(passed);
        room.page.get_or_insert(at_page);
        self.begin(plan, number, id, at)
    }

    fn begin(&mut self, plan: &OpenPlan, number: u32, id: SessionId, at: i64) -> Option<SessionId> {
        if self.is_beyond(id.slot) {
            return None;
        }
        let page = self.page(self.index(id.slot), plan, number)?;
        let before = (page.lines.capacity(), page.cold.capacity());
        page.lines.extend_from_slice(&plan.0.block);
        page.cold.push(Cold::new(at, id.generation));
        let after = (page.lines.capacity(), page.cold.capacity());
        self.start(id, at);
        self.grew(after.0.saturating_sub(before.0), std::mem::size_of::<Line>());
        self.grew(after.1.saturating_sub(before.1), std::mem::size_of::<Cold>());
        Some(id)
    }

    fn again(&mut self, plan: &OpenPlan, slot: u32, at: i64) -> Option<SessionId> {
        let (page, place) = self.place(SessionId { slot, generation: 0 })?;
        let generation = page.cold.get(place)?.generation.checked_add(1)?;
        page.block_mut(place).copy_from_slice(&plan.0.block);
        *page.cold.get_mut(place)? = Cold::new(at, generation);
        let id = SessionId { slot, generation };
        self.start(id, at);
        Some(id)
    }

    fn start(&mut self, id: SessionId, at: i64) {
        if let Some((page, place)) = self.place(id)
            && let flags = page.plan.0.flags
            && let [first, ..] = page.block_mut(place)
        {
            Head { generation: id.generation, status: 1, flags, steps: 0 }.write(first);
            super::block::set_now(first, at);
            self.used = self.used.saturating_add(1);
            self.highest = self.highest.max(id.to_u64());
        }
    }

    /// There are as many sessions as the store holds.
    pub(super) fn is_full(&self) -> bool {
        self.used >= self.most
    }

    /// A slot may be used again.
    pub(super) fn free(&mut self, session: SessionId) {
        let Some((page, at)) = self.place(session) else { return };
        let number = page.number;
        if let [first, ..] = page.block_mut(at) {
            Head { generation: 0, status: 0, flags: 0, steps: 0 }.write(first);
            self.used = self.used.saturating_sub(1);
        }
        if session.generation == u32::MAX {
            return;
        }
        if let Some(room) = self.rooms.get_mut(number as usize) {
            let before = room.free.capacity();
            room.free.push(session.slot);
            let grown = room.free.capacity().saturating_sub(before);
            self.grew(grown, 4);
        }
    }
}
