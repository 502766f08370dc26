//! Settings: flags > environment > config file > defaults, validated once.
