"""What a medium is: the protocol that pictures follow and others may, and what coders of any medium work with."""
