//! The record of a run: every event, in columns.

/// Events in columns of equal length, as a columnar file wants them. What the numbers of `kind` mean is the model's
/// to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Instant of the event.
    pub at: Vec<f64>,
    /// Kind of the event.
    pub kind: Vec<u8>,
    /// Where it happened: the number of an entity.
    pub entity: Vec<u32>,
    /// To whom it happened: a customer, a battery.
    pub subject: Vec<u32>,
    /// A figure that belongs to it; NaN for none.
    pub value: Vec<f64>,
}

impl Record {
    /// Adds one event at the end.
    #[inline]
    pub fn push(&mut self, at: f64, kind: u8, entity: u32, subject: u32, value: f64) {
        self.at.push(at);
        self.kind.push(kind);
        self.entity.push(entity);
        self.subject.push(subject);
        self.value.push(value);
    }

    /// How many events it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Adds the events of another record behind its own.
    pub fn append(&mut self, mut other: Self) {
        self.at.append(&mut other.at);
        self.kind.append(&mut other.kind);
        self.entity.append(&mut other.entity);
        self.subject.append(&mut other.subject);
        self.value.append(&mut other.value);
    }

    /// The same events in the order of time; those of one instant stay in their order.
    #[must_use]
    pub fn by_time(&self) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|a, b| self.at[*a].total_cmp(&self.at[*b]));
        Self {
            at: order.iter().map(|place| self.at[*place]).collect(),
            kind: order.iter().map(|place| self.kind[*place]).collect(),
            entity: order.iter().map(|place| self.entity[*place]).collect(),
            subject: order.iter().map(|place| self.subject[*place]).collect(),
            value: order.iter().map(|place| self.value[*place]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn records_join_and_sort() {
        let mut one = Record::default();
        assert!(one.is_empty());
        one.push(2.0, 1, 0, 7, 0.5);
        let mut two = Record::default();
        two.push(1.0, 2, 1, 8, 0.25);
        two.push(2.0, 3, 1, 9, 0.75);
        one.append(two);
        let sorted = one.by_time();
        assert_eq!(sorted.len(), 3);
        assert_eq!(sorted.kind, [2, 1, 3]);
        assert_eq!(sorted.subject, [8, 7, 9]);
        assert_eq!(sorted.entity, [1, 0, 1]);
        assert_eq!(sorted.value, [0.25, 0.5, 0.75]);
    }
}
