// The lines in which two texts differ, in order: which they were, and which they would be.

export const differences = (was, is) => {
  const [before, after] = [was.split("\n"), is.split("\n")];
  const [rows, columns] = [before.length, after.length];
  const common = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  for (let row = rows - 1; row >= 0; row--)
    for (let column = columns - 1; column >= 0; column--)
      common[row][column] =
        before[row] === after[column]
          ? common[row + 1][column + 1] + 1
          : Math.max(common[row + 1][column], common[row][column + 1]);
  const found = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    if (row < rows && column < columns && before[row] === after[column]) [row, column] = [row + 1, column + 1];
    else if (column === columns || (row < rows && common[row + 1][column] >= common[row][column + 1]))
      found.push({ number: row + 1, was: before[row++] });
    else found.push({ number: row + 1, is: after[column++] });
  }
  return found;
};
