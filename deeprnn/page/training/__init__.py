"""Train here: models of texts that visitors bring, trained by processes of their own, one after the other."""
