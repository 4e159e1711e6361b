//! The least and the greatest total of a tariff.

use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::TariffError;
use crate::cost::{Line, LineKind, add, totals};
use crate::tariff::Tariff;

/// A total without and with tax.
#[derive(Clone, Copy, PartialEq)]
struct Total {
    net: Decimal,
    gross: Decimal,
}

/// Adds the line that lifts the total to the minimum, or that cuts it to the maximum. A limit without tax moves the
/// tax in proportion; one with tax holds for the total with tax by itself. Where both limit, the total with tax may have
/// to be above the greatest one without.
pub(crate) fn limit(
    tariff: &Tariff,
    lines: &mut Vec<Line>,
    from: Timestamp,
    to: Timestamp,
) -> Result<(), TariffError> {
    let (net, tax) = totals(lines)?;
    let total = Total { net, gross: add(net, tax)? };
    let wanted = lowered(tariff, total, raised(tariff, total));
    if wanted == total {
        return Ok(());
    }
    let by = wanted.net - total.net;
    let cut = by.is_sign_negative() && !by.is_zero() || by.is_zero() && wanted.gross < total.gross;
    let (kind, at) = if cut { (LineKind::Maximum, to) } else { (LineKind::Minimum, from) };
    lines.push(Line {
        kind,
        tariff: 0,
        element: None,
        from: at,
        used: Decimal::ONE,
        billed: Decimal::ONE,
        price: by,
        net: by,
        tax_percent: None,
        tax: wanted.gross - total.gross - by,
    });
    Ok(())
}

fn raised(tariff: &Tariff, total: Total) -> Total {
    let Some(min) = tariff.min_price else { return total };
    let net = total.net.max(tariff.currency.round(min.net));
    let gross = match min.gross {
        Some(least) => total.gross.max(tariff.currency.round(least)).max(net),
        None if net > total.net => in_proportion(tariff, total, net),
        None => total.gross,
    };
    Total { net, gross }
}

fn lowered(tariff: &Tariff, total: Total, raised: Total) -> Total {
    let Some(max) = tariff.max_price else { return raised };
    let round = |amount| tariff.currency.round(amount);
    let net = raised.net.min(round(max.net));
    let mut gross = raised.gross;
    if net < raised.net {
        // cutting the tax in proportion must not bring the total with tax below its own minimum
        let least = tariff.min_price.and_then(|min| min.gross).map_or(net, round);
        gross = in_proportion(tariff, total, net).max(least);
    }
    let gross = max.gross.map_or(gross, |most| gross.min(round(most)));
    Total { net, gross: gross.max(net) }
}

/// What comes to `net` with the share of tax that the total has.
fn in_proportion(tariff: &Tariff, total: Total, net: Decimal) -> Decimal {
    let rate = match total.net.is_zero() {
        true => tariff.first_tax_rate(),
        false => (total.gross - total.net).checked_div(total.net).unwrap_or_default(),
    };
    tariff.currency.round(net.saturating_add(net.saturating_mul(rate)))
}
