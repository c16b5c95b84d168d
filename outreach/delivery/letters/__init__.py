"""Letters as mail: their language and text, their message, their signature, the tokens of their links."""
