//! Constants of nature, CODATA 2022.

/// Molar gas constant in J/(mol K).
pub const GAS_J_MOL_K: f64 = 8.314_462_618_153_24;
/// Faraday constant in C/mol.
pub const FARADAY_C_MOL: f64 = 96_485.332_123_310_01;

/// Arrhenius factor `exp(E/R (1/T_ref - 1/T))`, 1 at the reference temperature.
#[must_use]
pub fn arrhenius(activation_j_mol: f64, reference_k: f64, temperature_k: f64) -> f64 {
    if activation_j_mol == 0.0 {
        return 1.0;
    }
    (activation_j_mol / GAS_J_MOL_K * (1.0 / reference_k - 1.0 / temperature_k)).exp()
}
