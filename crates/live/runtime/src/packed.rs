//! The bytes of a snapshot: tenants, each with its graph. One that could not be read when it was written has no bytes: it
//! stands in an older snapshot and in the journal.

use std::sync::Arc;

use voltwin_core::TenantId;
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;

/// What a snapshot has of a tenant.
pub(crate) enum Part {
    Graph(Box<Graph>),
    /// It is there and cannot be read; the reason.
    Unreadable(String),
    /// It was left out, as it could not be read already.
    LeftOut,
}

/// `out` are those that are left out.
pub(crate) fn pack<'a>(
    graphs: impl Iterator<Item = (&'a TenantId, Vec<u8>)>,
    out: &'a [TenantId],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tenant, graph) in graphs.chain(out.iter().map(|tenant| (tenant, Vec::new()))) {
        bytes.extend_from_slice(&(tenant.as_str().len() as u64).to_le_bytes());
        bytes.extend_from_slice(tenant.as_str().as_bytes());
        bytes.extend_from_slice(&(graph.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&graph);
    }
    bytes
}

/// Every tenant with what is there of it; an error where the bytes are not whole.
pub(crate) fn unpack(bytes: &[u8], ontology: &Arc<Ontology>) -> Result<Vec<(TenantId, Part)>, String> {
    let read = |part: Result<(&str, &[u8]), String>| {
        let (tenant, bytes) = part?;
        Ok((TenantId::new(tenant).map_err(|e| e.to_string())?, Part::read(bytes, ontology)))
    };
    parts(bytes).map(read).collect()
}

/// What is there of one tenant; `None` where it had nothing.
pub(crate) fn unpack_one(
    bytes: &[u8],
    tenant: &TenantId,
    ontology: &Arc<Ontology>,
) -> Result<Option<Part>, String> {
    for part in parts(bytes) {
        let (owner, bytes) = part?;
        if owner == tenant.as_str() {
            return Ok(Some(Part::read(bytes, ontology)));
        }
    }
    Ok(None)
}

impl Part {
    fn read(bytes: &[u8], ontology: &Arc<Ontology>) -> Self {
        if bytes.is_empty() {
            return Self::LeftOut;
        }
        match Graph::from_snapshot(ontology.clone(), bytes) {
            Ok(graph) => Self::Graph(Box::new(graph)),
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}

/// Tenants, each with the bytes of its graph.
fn parts(mut bytes: &[u8]) -> impl Iterator<Item = Result<(&str, &[u8]), String>> {
    fn part<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], String> {
        let cut = || "it is cut short".to_owned();
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let (part, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        *bytes = rest;
        Ok(part)
    }
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let mut next = || {
            let tenant = std::str::from_utf8(part(&mut bytes)?).map_err(|e| e.to_string())?;
            Ok((tenant, part(&mut bytes)?))
        };
        let next = next();
        if next.is_err() {
            bytes = &[];
        }
        Some(next)
    })
}
