"""The Watch view: what models wrote while they were trained, along their learning curves."""
