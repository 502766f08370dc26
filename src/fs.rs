//! Files: durable writes, locks and checked opens.
