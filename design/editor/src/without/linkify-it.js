// In place of the package that finds addresses in plain text, which the letter language does not.
export default class {}
