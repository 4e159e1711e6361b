//! One twin or relationship: read at both ends, merged, written where it differs, and written down.

use crate::SyncError;
use crate::content::{Content, Key, Nature, Seen};
use crate::engine::{Mode, Synchronisation};
use crate::merge::{End, Sent, Side, merge};
use crate::plane::Written;
use crate::state::{Row, SENT_MAX};

/// How often something is read and merged anew because it changed meanwhile, before others have their turn.
const ATTEMPTS: u32 = 6;

/// What became of one thing.
pub(crate) enum Settled {
    Done,
    /// It is to be deleted at an end, and not yet.
    ToDelete,
    /// A relationship whose twins are not all there; its target.
    Waits(String),
    /// A twin that is to be deleted at an end, and that relationships hold there.
    Held(Side),
    /// It changes faster than it is settled.
    Busy,
    /// An end does not take it.
    Left,
}

impl Synchronisation {
    pub(crate) async fn reconcile(
        &self,
        key: &Key,
        hint: Option<Side>,
        deletes: bool,
    ) -> Result<Settled, SyncError> {
        let mut row = self.state.row(key).await?;
        if let Some(side) = hint
            && !row.is_pending()
        {
            let seen = self.ends[side as usize].seen(key).await?;
            if seen.map(|seen| seen.etag) == row.etags[side as usize] {
                return Ok(Settled::Done);
            }
        }
        for _ in 0..ATTEMPTS {
            let [azure, voltwin] = &self.ends;
            let (azure, voltwin) = tokio::try_join!(azure.seen(key), voltwin.seen(key))?;
            let seen = [azure, voltwin];
            if !self.is_in_scope(key, &seen).await? {
                return Ok(Settled::Done);
            }
            if let Some(settled) = self.attempt(key, &mut row, &seen, deletes).await? {
                if matches!(settled, Settled::Done) {
                    self.report.solved(key.kind(), &key.to_string());
                }
                return Ok(settled);
            }
        }
        Ok(Settled::Busy)
    }

    /// Merges what was read and writes it; `None` where something else was there already.
    async fn attempt(
        &self,
        key: &Key,
        row: &mut Row,
        seen: &[Option<Seen>; 2],
        deletes: bool,
    ) -> Result<Option<Settled>, SyncError> {
        let end = |side: Side| End { seen: seen[side as usize].as_ref(), sent: &row.sent[side as usize] };
        let merged = merge(row.base.as_ref(), [end(Side::Azure), end(Side::Voltwin)], self.policy());
        let want = merged.want.as_ref();
        let mut agreed = want;
        let mut writes = Vec::new();
        for side in Side::BOTH {
            let there = seen[side as usize].as_ref().map(|seen| &seen.content);
            match Sent::between(there, want) {
                Some(sent) if self.settings.direction.writes_to(side) => writes.push((side, sent)),
                // the source stays as it is, and what the other end did to itself is no agreement
                Some(_) => agreed = there,
                None => {}
            }
        }
        if !deletes && writes.iter().any(|(_, sent)| *sent == Sent::Delete) {
            return Ok(Some(Settled::ToDelete));
        }
        let mut etags = [0, 1].map(|side| seen[side].as_ref().map(|seen| seen.etag.clone()));
        if self.mode == Mode::Plan {
            self.plan(key, &writes);
            self.progress.conflicts(if writes.is_empty() { 0 } else { merged.conflicts.len() });
            return Ok(Some(Settled::Done));
        }
        if writes.is_empty() {
            if row.is_pending() || row.base.as_ref() != agreed || (agreed.is_some() && row.etags != etags) {
                self.state.agree(key, agreed, etags).await?;
            }
            return Ok(Some(Settled::Done));
        }
        for (side, sent) in &writes {
            if let Some(Nature::Model(model)) = sent.new_nature()
                && !self.has_model(*side, model).await?
            {
                self.left(*side, key, &format!("its model {model} is not there and cannot be brought"));
                return Ok(Some(Settled::Left));
            }
        }
        for (side, sent) in &writes {
            let list = &mut row.sent[*side as usize];
            if sent.replaces(key) {
                list.push(Sent::Delete);
            }
            list.push(sent.clone());
            let over = list.len().saturating_sub(SENT_MAX);
            list.drain(..over);
        }
        self.state.intend(key, &row.sent).await?;
        for (side, sent) in &writes {
            match self.write(*side, key, sent, want, seen[*side as usize].as_ref()).await? {
                Written::Done(etag) => {
                    etags[*side as usize] = etag;
                    self.progress.wrote(*side, sent.deed(), key.kind());
                }
                Written::Overtaken => return Ok(None),
                refused => {
                    // what was refused was not done
                    row.sent[*side as usize].pop();
                    self.retract(key, row).await?;
                    return Ok(Some(self.refused(*side, key, want, refused)));
                }
            }
        }
        self.progress.conflicts(merged.conflicts.len());
        self.report.conflicts(key, &merged.conflicts);
        self.state.agree(key, agreed, etags).await?;
        Ok(Some(Settled::Done))
    }

    async fn write(
        &self,
        side: Side,
        key: &Key,
        sent: &Sent,
        want: Option<&Content>,
        seen: Option<&Seen>,
    ) -> Result<Written, SyncError> {
        let end = &self.ends[side as usize];
        if !sent.replaces(key) {
            return end.write(key, want, seen).await;
        }
        // a relationship that points elsewhere is another one
        match end.write(key, None, seen).await? {
            Written::Done(_) => end.write(key, want, None).await,
            other => Ok(other),
        }
    }

    fn refused(&self, side: Side, key: &Key, want: Option<&Content>, written: Written) -> Settled {
        match (written, want.map(|want| &want.nature)) {
            (Written::TwinMissing, Some(Nature::Link(_, target))) => Settled::Waits(target.clone()),
            (Written::Held, _) => Settled::Held(side),
            (Written::Refused(refusal), _) => {
                self.left(side, key, &refusal.to_string());
                Settled::Left
            }
            _ => Settled::Busy,
        }
    }

    /// Takes back what was written down to be sent.
    async fn retract(&self, key: &Key, row: &Row) -> Result<(), SyncError> {
        if row.is_pending() {
            return self.state.intend(key, &row.sent).await;
        }
        self.state.agree(key, row.base.as_ref(), row.etags.clone()).await
    }
}

impl Sent {
    /// The model or the ends that it gives.
    fn new_nature(&self) -> Option<&Nature> {
        match self {
            Self::Create(content) => Some(&content.nature),
            Self::Patch { nature, .. } => nature.as_ref(),
            Self::Delete => None,
        }
    }

    /// Whether it can only be done by deleting and making anew.
    fn replaces(&self, key: &Key) -> bool {
        matches!((self, key), (Self::Patch { nature: Some(_), .. }, Key::Relationship(..)))
    }

    pub(crate) fn deed(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Patch { .. } => "update",
            Self::Delete => "delete",
        }
    }
}
