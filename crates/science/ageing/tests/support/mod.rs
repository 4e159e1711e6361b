//! Where the reference lies and what it ran.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};

use voltwin_ageing::Cell;

/// The folder of reference curves and data beside the repository, or the one that `VOLTWIN_SHARED` names.
#[allow(clippy::print_stderr, reason = "a skipped comparison must be seen")]
pub(crate) fn shared(inside: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VOLTWIN_SHARED").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .ancestors()
                .map(|folder| folder.join("shared"))
                .find(|folder| folder.is_dir())
                .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"))
        },
        PathBuf::from,
    );
    let path = folder.join(inside);
    if !path.exists() {
        eprintln!("skipped: {} is not there (set VOLTWIN_SHARED)", path.display());
        return None;
    }
    Some(path)
}

/// The five cells of the reference decade.
pub(crate) const REFERENCE_CELLS: [(&str, Cell); 5] = [
    ("LFP_SonyMurata3Ah", Cell::LfpSonyMurata3Ah),
    ("LFP_250AhPrismatic", Cell::LfpPrismatic250Ah),
    ("NMC111_Kokam75Ah", Cell::Nmc111Kokam75Ah),
    ("NMC111_Sanyo2Ah", Cell::Nmc111Sanyo2Ah),
    ("NCA_Panasonic3Ah", Cell::NcaPanasonic3Ah),
];

/// Break points `(hour, soc)` of the reference scenarios.
pub(crate) fn scenario(name: &str) -> &'static [(f64, f64)] {
    match name {
        "calendar50" => &[(0.0, 0.5), (24.0, 0.5)],
        "calendar90" => &[(0.0, 0.9), (24.0, 0.9)],
        "commute" => {
            &[(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (22.0, 0.5), (24.0, 0.9)]
        }
        "commute_v2g" => &[
            (0.0, 0.2),
            (1.0, 0.2),
            (6.0, 0.9),
            (7.0, 0.9),
            (8.0, 0.7),
            (17.0, 0.7),
            (18.0, 0.5),
            (21.0, 0.2),
            (24.0, 0.2),
        ],
        other => panic!("no scenario {other}"),
    }
}
